import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Column } from '../../src/postgres/column.ts'
import { CopyBuffer, copyLayout } from '../../src/postgres/copy-binary.ts'
import { RowError } from '../../src/sink/sink.ts'
import { column, numericLimits } from './columns.ts'

const bufferOf = (...columns: Column[]): CopyBuffer => new CopyBuffer(copyLayout(columns))

/** The fields of the only row. */
function fieldsOf(buffer: CopyBuffer): (Buffer | null)[] {
  const bytes = buffer.finished()
  const fields: (Buffer | null)[] = []
  let at = 21
  for (let left = bytes.readInt16BE(19); left > 0; left--) {
    const length = bytes.readInt32BE(at)
    fields.push(length < 0 ? null : bytes.subarray(at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  expect(bytes.readInt16BE(at)).toBe(-1)
  expect(bytes.length).toBe(at + 2)
  return fields
}

function encoded(as: Column, value: unknown): Buffer | null | undefined {
  const buffer = bufferOf(as)
  buffer.add({ [as.name]: value })
  return fieldsOf(buffer)[0]
}

describe('values as they travel', () => {
  test('int8 from numbers, bigints and text', () => {
    const id = column('id', 'int8')
    for (const [value, exact] of [
      [5, 5n],
      [-1, -1n],
      [2 ** 53 - 1, 2n ** 53n - 1n],
      [-(2 ** 40) - 7, -(2n ** 40n) - 7n],
      ['-9223372036854775808', -(2n ** 63n)],
      [2n ** 63n - 1n, 2n ** 63n - 1n],
    ] as const)
      expect(encoded(id, value)?.readBigInt64BE()).toBe(exact)
  })

  test('times count microseconds from 2000, whatever they are given as', () => {
    const at = column('at', 'timestamptz')
    const micros = 841_363_199_123_456n
    for (const value of ['2026-08-29T23:59:59.123456+02:00', 946_684_800_000_000n + micros - 7_200_000_000n])
      expect(encoded(at, value)?.readBigInt64BE()).toBe(
        BigInt(Date.UTC(2026, 7, 29, 21, 59, 59) - 946_684_800_000) * 1000n + 123_456n,
      )
    expect(encoded(at, new Date('9999-12-31T23:59:59.999Z'))?.readBigInt64BE()).toBe(252_455_615_999_999_000n)
    expect(encoded(at, new Date('1999-12-31T23:59:59.999Z'))?.readBigInt64BE()).toBe(-1000n)
    expect(encoded(column('at', 'timestamp', { typmod: 0 }), '1999-12-31T23:59:59.5Z')?.readBigInt64BE()).toBe(
      -1_000_000n,
    )
    expect(encoded(column('day', 'date'), '1999-12-31')?.readInt32BE()).toBe(-1)
    expect(encoded(column('day', 'date'), new Date('2000-01-02T00:00:00Z'))?.readInt32BE()).toBe(1)
  })

  test('any microsecond, as two words', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 16n), max: 9n * 10n ** 18n }), (micros) => {
        const field = encoded(column('at', 'timestamp'), micros)
        expect(field?.readBigInt64BE()).toBe(micros - 946_684_800_000_000n)
      }),
    )
  })

  test('text of any length and script', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        fc.pre(!text.includes('\0'))
        expect(encoded(column('name', 'text'), text)?.toString()).toBe(text)
      }),
    )
  })

  test('uuid with and without hyphens, in either case', () => {
    const bytes = Buffer.from('018f3c6e7b1a7c3d9e4f5a6b7c8d9e0f', 'hex')
    for (const text of ['018f3c6e-7b1a-7c3d-9e4f-5a6b7c8d9e0f', '018F3C6E7B1A7C3D9E4F5A6B7C8D9E0F'])
      expect(encoded(column('id', 'uuid'), text)).toEqual(bytes)
  })

  test('null and undefined are NULL', () => {
    expect(encoded(column('name', 'text'), null)).toBeNull()
    expect(encoded(column('name', 'text'), undefined)).toBeNull()
  })
})

describe('what does not fit is refused with column, value and remedy', () => {
  const short = column('code', 'varchar', { type: 'character varying(3)', typmod: 7 })
  const money = column('amount', 'numeric', { type: 'numeric(5,2)', typmod: numericLimits(5, 2) })
  test.each<[Column, unknown, string]>([
    [column('n', 'int2'), 32_768, 'column "n" is int2: got 32768, -32768 to 32767 is right'],
    [column('n', 'int4'), 2 ** 31, 'got 2147483648, -2147483648 to 2147483647 is right'],
    [column('n', 'int4'), 1.5, 'got 1.5, a whole number is right'],
    [column('n', 'int4'), '12x', 'got "12x", a number without fraction'],
    [column('n', 'int8'), 2 ** 53, 'more than a number carries exactly'],
    [column('n', 'int8'), 2n ** 63n, 'got 9223372036854775808n, -9223372036854775808 to'],
    [column('b', 'bool'), 1, 'true or false are right'],
    [column('f', 'float8'), '1.5', 'a number is right'],
    [column('f', 'float4'), 1e39, 'got 1e+39'],
    [column('t', 'text'), 'a\0b', 'without the character NUL is right (it stands at place 1)'],
    [column('t', 'text'), 'half \ud83e', 'half a surrogate pair'],
    [column('t', 'text'), 5, 'got 5, text is right'],
    [short, 'abcd', '4 characters, at most 3 are right'],
    [column('a', 'timestamptz'), '2026-01-31T00:00:00', 'with its offset'],
    [column('a', 'timestamp'), new Date(Number.NaN), 'got an invalid Date'],
    [column('d', 'date'), new Date(1), 'a Date at midnight in UTC'],
    [column('d', 'date'), '2026-02-30', 'got "2026-02-30"'],
    [column('u', 'uuid'), '018f3c6e', 'got "018f3c6e"'],
    [column('y', 'bytea'), 'text', 'a Uint8Array is right'],
    [money, 1000, 'column "amount" is numeric(5,2): got 1000, a magnitude below 1e3 is right'],
    [money, Number.NaN, 'a finite number'],
    [column('j', 'jsonb'), { a: [Number.NaN] }, 'a finite number is right at .a[0]'],
  ])('%o', (as, value, message) => {
    expect(() => encoded(as, value)).toThrow(RowError)
    expect(() => encoded(as, value)).toThrow(message)
  })

  test('null where the column is not null', () => {
    expect(() => encoded(column('name', 'text', { notNull: true }), null)).toThrow(
      'column "name" is not null: got null',
    )
  })

  test('astral characters count once, and money is rounded into its column', () => {
    expect(encoded(short, '🦆🦆🦆')?.toString()).toBe('🦆🦆🦆')
    expect(encoded(money, 0.1 + 0.2)).toEqual(encoded(money, '0.30'))
    expect(() => encoded(money, 999.995)).toThrow('a magnitude below 1e3')
  })
})

test('a row that does not fit leaves the buffer as it was', () => {
  const columns = [column('id', 'int8'), column('name', 'text'), column('data', 'jsonb'), column('n', 'int4')]
  const [one, other] = [bufferOf(...columns), bufferOf(...columns)]
  const good = { id: 1, name: 'x'.repeat(100), data: { a: 1 }, n: 5 }
  for (let i = 0; i < 400; i++) {
    one.add(good)
    expect(() => one.add({ ...good, name: 'y'.repeat(i), n: 'bad' })).toThrow(RowError)
    other.add(good)
  }
  expect(one.rows).toBe(400)
  expect(one.bytes).toBe(other.bytes)
  expect(one.contentHash).toBe(other.contentHash)
  expect(one.finished()).toEqual(other.finished())
})

test('rows added together are taken all or none', () => {
  const columns = [column('id', 'int8'), column('n', 'int4')]
  const [one, other] = [bufferOf(...columns), bufferOf(...columns)]
  const good = [
    { id: 1, n: 1 },
    { id: 2, n: 2 },
  ]
  for (const buffer of [one, other]) buffer.add({ id: 0, n: 0 })
  expect(() => one.addAll([...good, { id: 3, n: 'bad' }])).toThrow(RowError)
  expect(one.rows).toBe(1)
  one.addAll(good)
  for (const row of good) other.add(row)
  expect(one.rows).toBe(3)
  expect(one.contentHash).toBe(other.contentHash)
  expect(one.finished()).toEqual(other.finished())
})

test('the content hash does not see the order of rows, and adds up over buffers', () => {
  const columns = [column('id', 'int8'), column('name', 'text')]
  const row = fc.record({ id: fc.maxSafeInteger(), name: fc.option(fc.string({ unit: 'grapheme-ascii' })) })
  fc.assert(
    fc.property(fc.array(row), fc.array(row), (left, right) => {
      const hashOf = (rows: typeof left): bigint => {
        const buffer = bufferOf(...columns)
        for (const each of rows) buffer.add(each)
        return buffer.contentHash
      }
      expect(hashOf([...left, ...right])).toBe(hashOf(left) + hashOf(right))
      expect(hashOf(left.toReversed())).toBe(hashOf(left))
    }),
  )
})

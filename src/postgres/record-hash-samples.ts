import { jsonText } from './json-text.ts'

/** A value as a row carries it, and the text from which the server reads the same value. */
export interface Sample {
  readonly value: unknown
  readonly text: string | null
}

const count = 240

/** The same samples every time: the borders of the type, nulls, and numbers from a fixed generator. */
export function recordHashSamples(type: string): readonly Sample[] {
  const random = generator()
  const borders = bordersOf(type)
  return Array.from({ length: count }, (_, i) => {
    const border = borders[i]
    if (border !== undefined) return border
    return i % 16 === 15 ? { value: null, text: null } : sampleOf(type, random)
  })
}

const same = (text: string): Sample => ({ value: text, text })
const number = (value: number): Sample => ({ value, text: Object.is(value, -0) ? '-0' : String(value) })

const truth = (value: boolean): Sample => ({ value, text: String(value) })

function bordersOf(type: string): readonly Sample[] {
  switch (type) {
    case 'bool':
      return [true, false].map(truth)
    case 'int2':
      return [0, 1, -1, 32_767, -32_768].map(number)
    case 'int4':
      return [0, 1, -1, 2_147_483_647, -2_147_483_648].map(number)
    case 'int8':
      return [0, -1, 4_294_967_296, -4_294_967_296, Number.MAX_SAFE_INTEGER]
        .map(number)
        .concat(['9223372036854775807', '-9223372036854775808'].map(same))
    case 'float4':
      return [0, -0, 1, -1.5, 3.4028234663852886e38, 1.401298464324817e-45, Number.NaN, Number.POSITIVE_INFINITY].map(
        number,
      )
    case 'float8':
      return [
        0,
        -0,
        0.1,
        Number.MAX_VALUE,
        Number.MIN_VALUE,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ].map(number)
    case 'numeric':
      return [
        '0',
        '0.00',
        '-0.5',
        '1.10',
        '10000',
        '9999',
        '0.0001',
        '0.00001',
        '1e20',
        '-1e-20',
        '12345678901234567890.0123456789',
      ].map(same)
    case 'text':
    case 'varchar':
      return [
        '',
        'a',
        'abc',
        'naïve',
        '日本語',
        '🦆',
        'x'.repeat(11),
        'x'.repeat(12),
        'x'.repeat(13),
        ' trailing  ',
        `long ${'é'.repeat(700)}`,
      ].map(same)
    case 'bytea':
      return [bytes([]), bytes([0]), bytes([255, 0, 128])]
    case 'date':
      return ['2000-01-01', '1970-01-01', '1999-12-31', '0001-01-01', '9999-12-31', '2024-02-29'].map(same)
    case 'timestamp':
    case 'timestamptz':
      return [
        '2000-01-01T00:00:00Z',
        '1999-12-31T23:59:59.999999Z',
        '0001-01-01T00:00:00Z',
        '9999-12-31T23:59:59.999999Z',
      ].map(same)
    case 'uuid':
      return ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'].map(same)
    case 'json':
    case 'jsonb':
      return [{}, [], '', 0, true, 1e21, 1e-7, { b: 1, aa: [null, 'é"\\\n\u0001'], a: { c: -0.5 } }].map(json)
    default:
      throw new TypeError(`there are no samples of type ${type}`)
  }
}

function sampleOf(type: string, random: () => number): Sample {
  const whole = (below: number): number => Math.floor(random() * below)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = (): string => `${1700 + whole(400)}-${two(1 + whole(12))}-${two(1 + whole(28))}`
  switch (type) {
    case 'bool':
      return truth(random() < 0.5)
    case 'int2':
      return number(whole(65_536) - 32_768)
    case 'int4':
      return number(whole(4_294_967_296) - 2_147_483_648)
    case 'int8':
      return number(Math.round((random() - 0.5) * 2 ** whole(54)))
    case 'float4':
      return number(Math.fround((random() - 0.5) * 10 ** (whole(60) - 30)))
    case 'float8':
      return number((random() - 0.5) * 10 ** (whole(600) - 300))
    case 'numeric':
      return same(
        `${random() < 0.5 ? '-' : ''}${whole(10 ** whole(10))}.${'0'.repeat(whole(6))}${whole(10 ** whole(10))}${'0'.repeat(whole(3))}`,
      )
    case 'text':
    case 'varchar':
      return same(
        Array.from({ length: whole(40) }, () => String.fromCodePoint(32 + whole(random() < 0.8 ? 94 : 40_000))).join(
          '',
        ),
      )
    case 'bytea':
      return bytes(Array.from({ length: whole(40) }, () => whole(256)))
    case 'date':
      return same(day())
    case 'timestamp':
    case 'timestamptz':
      return same(
        `${day()}T${two(whole(24))}:${two(whole(60))}:${two(whole(60))}.${String(whole(1_000_000)).padStart(6, '0')}Z`,
      )
    case 'uuid': {
      const hex = Array.from({ length: 32 }, () => whole(16).toString(16)).join('')
      return same(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
    }
    default:
      return json({ n: random() - 0.5, deep: [whole(1_000), { k: `v${whole(100)}`, longer: null }], t: random() < 0.5 })
  }
}

const bytes = (content: readonly number[]): Sample => {
  const value = Buffer.from(content)
  return { value, text: `\\x${value.toString('hex')}` }
}

/** The server is given the text with its keys as they are, and so must put them in order itself. */
const json = (value: unknown): Sample => ({ value, text: jsonText(value, false) })

/** mulberry32: the same numbers in every process. */
function generator(): () => number {
  let state = 0x7469_6465
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

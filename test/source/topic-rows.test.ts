import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { kafka } from '../../src/define/kafka.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import type { KafkaTopicSource } from '../../src/define/source-definition.ts'
import type { TopicRecord } from '../../src/kafka/batch-records.ts'
import { NoRow } from '../../src/source/no-row.ts'
import { fieldProblems, TopicRows } from '../../src/source/topic-rows.ts'

const record = (value: string | Buffer | null, more: Partial<TopicRecord> = {}): TopicRecord => ({
  ...{
    offset: 12n,
    key: Buffer.from('k'),
    value: value === null ? null : Buffer.from(value),
    timestamp: 1_700_000_000_123,
  },
  ...{ headers: {}, ...more },
})
const place = { topic: 'orders', topicPartition: 3, positionOf: (offset: bigint) => Number(offset) + 100 }

async function rowOf(definition: unknown, one: TopicRecord): Promise<AnyRow> {
  const rows = await new TopicRows(definition as KafkaTopicSource<AnyRow>).of([one], place)
  expect(rows.length).toBe(1)
  const [row] = rows
  if (row === undefined) throw new Error('no row')
  return row
}
const Order = z.object({ id: z.bigint(), at: z.date(), amount: z.number(), note: z.string().nullable() })
const orders = kafka.topic('orders', { schema: Order })
const refusal = async (definition: unknown, one: TopicRecord): Promise<NoRow> => {
  const row = await rowOf(definition, one)
  if (!(row instanceof NoRow)) throw new Error(`a row: ${JSON.stringify(row)}`)
  return row
}
const json = (value: object): TopicRecord => record(JSON.stringify(value))

describe('rows of records', () => {
  it('have the fields of the JSON object that the schema names, as it declares them', async () => {
    const value = { id: '9007199254740993', at: '2026-01-31T12:00:00.5+01:00', amount: 1.5, other: 1 }
    expect(await rowOf(orders, json(value))).toEqual({
      ...{ id: 9007199254740993n, at: new Date('2026-01-31T11:00:00.500Z'), amount: 1.5, note: null },
    })
  })

  it('have whole numbers beyond 2^53 as they are written, also when they are no text', async () => {
    const written = '{"id": 9223372036854775807, "at": 1700000000123, "amount": 9007199254740993, "note": "x"}'
    expect(await rowOf(orders, record(written))).toMatchObject({
      ...{ id: 9223372036854775807n, at: new Date(1_700_000_000_123), amount: 9007199254740992 },
    })
  })

  it('have what else a record has, by the names of the definition', async () => {
    const parts = { key: 'k', topicPartition: 'part', offset: 'place', timestamp: 'at', headers: 'h' } as const
    const definition = kafka.topic('orders', { schema: z.object({ a: z.int() }), fields: parts, position: 'n' })
    const headers = { one: Buffer.from('1'), none: null, two: [Buffer.from('é'), null] }
    expect(await rowOf(definition, record('{"a": 1}', { headers }))).toEqual({
      ...{ a: 1, k: 'k', part: 3, place: 12n, at: new Date(1_700_000_000_123), n: 112 },
      h: { one: '1', none: null, two: ['é', null] },
    })
    expect(await rowOf(definition, record('{"a": 1}', { key: null }))).toMatchObject({ k: null, h: {} })
  })

  it('are of one shape, whatever members the values have', async () => {
    const definition = kafka.topic('orders', { schema: z.object({ a: z.int().optional(), b: z.int().nullable() }) })
    for (const value of [{ b: 1 }, { b: null, a: 2 }, {}])
      expect(Object.keys(await rowOf(definition, json(value)))).toEqual(['a', 'b'])
  })

  it('may be texts or bytes, null for a tombstone', async () => {
    const texts = kafka.topic('logs', { schema: z.object({ value: z.string().nullable() }), value: 'text' })
    expect(await rowOf(texts, record('{'))).toEqual({ value: '{' })
    expect(await rowOf(texts, record(null))).toEqual({ value: null })
    const bytes = kafka.topic('logs', {
      ...{ schema: z.object({ value: z.instanceof(Uint8Array).nullable() }), value: 'bytes', fields: { key: 'k' } },
    })
    const raw = Buffer.from([0, 255])
    expect(await rowOf(bytes, record(raw, { key: raw }))).toEqual({ value: raw, k: raw })
  })

  it('are validated as a whole where the schema has rules of its own, in time or later', async () => {
    for (const rule of [(row: { a: number }) => row.a < 5, (row: { a: number }) => Promise.resolve(row.a < 5)]) {
      const schema = z.object({ a: z.int(), id: z.bigint() }).refine(rule, 'a is too large')
      const definition = kafka.topic('orders', { schema, fields: { offset: 'o' } })
      expect(await rowOf(definition, json({ a: 1, id: '7' }))).toEqual({ a: 1, id: 7n, o: 12n })
      expect((await refusal(definition, json({ a: 9, id: 7 }))).reason).toBe(
        'topic "orders", topic partition 3, offset 12 is refused by the schema: a is too large',
      )
    }
  })
})

describe('a record that does not fit', () => {
  const fits = { id: 1, at: 0, amount: 1, note: 'n' }
  it.each<[string, TopicRecord, string]>([
    ['a member that is missing', json({ ...fits, id: undefined }), 'column "id" is missing'],
    ['null where none may be', json({ ...fits, id: null }), 'column "id" is null'],
    ['a fraction for a bigint', json({ ...fits, id: 1.5 }), 'column "id" is 1.5, which is no whole number'],
    ['text for a number', json({ ...fits, amount: '1' }), 'column "amount" is "1", which z.number() does not take'],
    [
      'a time without zone',
      json({ ...fits, at: '2026-01-31T12:00:00' }),
      'column "at" is "2026-01-31T12:00:00", which is no instant',
    ],
    ['no JSON', record('{"secret": '), 'its value of 11 bytes is not JSON'],
    [
      'the wire format of a registry',
      record(Buffer.from([0, 0, 0, 0, 1, 123])),
      'as those written through a schema registry',
    ],
    ['no UTF-8', record(Buffer.from([123, 255])), 'its value is not valid UTF-8'],
    ['an array', record('[1]'), 'its value is an array, not a JSON object'],
    ['null as JSON', record('null'), 'its value is null, not a JSON object'],
    ['a tombstone', record(null), "its value is null, a tombstone: tombstones: 'skip' leaves them out"],
  ])('%s is no row, and says where it stands and why', async (_what, one, reason) => {
    const row = await refusal(orders, one)
    expect(row.reason).toContain('topic "orders", topic partition 3, offset 12: ')
    expect(row.reason).toContain(reason)
    expect(row.isLeftOut).toBe(false)
  })

  it('is known by what can be told of it, and nothing of a value that is not JSON', async () => {
    expect((await refusal(orders, json({ ...fits, amount: 'x' }))).shown([])).toEqual({ ...fits, amount: 'x' })
    const broken = await refusal(orders, record('{"secret": '))
    expect(broken.shown([])).toEqual({ topic: 'orders', topicPartition: 3, offset: 12n })
    expect(broken.reason).not.toContain('secret')
  })

  it('has a key or a header that is no text', async () => {
    const definition = kafka.topic('orders', { schema: z.object({}), fields: { key: 'k', headers: 'h' } })
    const wrong = Buffer.from([255])
    expect((await refusal(definition, record('{}', { key: wrong }))).reason).toContain('its key is not valid UTF-8')
    expect((await refusal(definition, record('{}', { headers: { trace: wrong } }))).reason).toContain(
      'its header "trace" is not valid UTF-8',
    )
  })

  it('is left out as a tombstone where the definition says so', async () => {
    const definition = kafka.topic('orders', { schema: Order, tombstones: 'skip' })
    expect((await refusal(definition, record(null))).isLeftOut).toBe(true)
  })
})

it('names of fields that two things would go to are told', () => {
  const fields = { key: 'id', offset: 'o', timestamp: 'o' } as const
  expect(fieldProblems(kafka.topic('orders', { schema: Order, fields, position: 'n' }) as never)).toEqual([
    'key "id" is also another field: give it another name',
    'timestamp "o" is also another field: give it another name',
  ])
})

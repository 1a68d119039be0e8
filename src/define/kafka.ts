import type { RowSchema } from './row-schema.ts'
import type { KafkaTopicSource, RecordFields, RecordValue } from './source-definition.ts'

/** What a record is besides its value, by the name of the field that it goes to. Of `bytes`, keys and headers are bytes too. */
interface RecordParts<Value extends RecordValue> {
  readonly key: (Value extends 'bytes' ? Uint8Array : string) | null
  readonly topicPartition: number
  readonly offset: bigint
  readonly timestamp: Date
  readonly headers: Readonly<Record<string, HeaderValue<Value> | readonly HeaderValue<Value>[]>>
}
type HeaderValue<Value extends RecordValue> = (Value extends 'bytes' ? Uint8Array : string) | null

type PartsRow<Fields extends RecordFields, Value extends RecordValue> = {
  [Part in keyof Fields & keyof RecordParts<Value> as Fields[Part] & string]: RecordParts<Value>[Part]
}

/** Sources that are Kafka topics. */
export const kafka = {
  /**
   * The records of a topic that are committed, from the first to the last there is when a run is planned, cut by
   * `partition.byOffsets`. What `schema` sees of a record: with `value: 'json'`, the default, the object that its value
   * holds (JSON has no bigint and no date: digits, or a number written in full, become z.bigint(); an instant with its
   * zone, or milliseconds since 1970, z.date()); with `'text'` and `'bytes'` an object `{ value }`, null for a tombstone.
   * `fields` names the fields that receive what else a record has: `key`, `topicPartition`, `offset`, `timestamp`,
   * `headers` (by name; those given more than once as arrays). `position` names a field that receives the record's
   * place, counted through all topic partitions from the first offset of the run: a column for `postgres.insert`, and
   * another one in another run; a topic partition and an offset together are a key that stays.
   * A record that does not fit, and with `'json'` a tombstone, is a bad row; `tombstones: 'skip'` leaves tombstones out.
   * `brokers` names the environment variable with the brokers of another cluster than Tidemark's own, such as
   * ORDERS_KAFKA_BROKERS; ORDERS_KAFKA_SSL and ORDERS_KAFKA_SASL_… beside it say how to log in.
   */
  topic<
    Row,
    const Fields extends RecordFields = Record<never, never>,
    const Position extends string = never,
    const Value extends RecordValue = 'json',
  >(
    topic: string,
    options: {
      schema: RowSchema<Row>
      value?: Value
      fields?: Fields & { readonly [Other in Exclude<keyof Fields, keyof RecordFields>]: never }
      position?: Position
      tombstones?: 'reject' | 'skip'
      brokers?: string
    },
  ): KafkaTopicSource<Row & PartsRow<Fields, Value> & { [Field in Position]: number }> {
    return {
      kind: 'kafka.topic',
      topic,
      schema: options.schema,
      value: options.value ?? 'json',
      fields: { ...options.fields },
      position: options.position ?? null,
      tombstones: options.tombstones ?? 'reject',
      brokers: options.brokers ?? null,
    }
  },
} as const

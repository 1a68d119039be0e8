import type { AnyRow } from '../define/row-schema.ts'
import type { KafkaTopicSource, RecordValue } from '../define/source-definition.ts'
import { ValueError } from '../files/value-error.ts'
import type { TopicRecord } from '../kafka/batch-records.ts'
import { jsonConversionOf, parseJson } from './json-conversion.ts'
import { NoRow } from './no-row.ts'
import { utf8Text } from './parquet-text.ts'
import { hasObjectRules, rowFields } from './row-field.ts'
import type { PageRows } from './source.ts'
import { validatedRow } from './validated-rows.ts'

/** Where records stand, and what their positions count from. */
export interface RecordPlace {
  readonly topic: string
  readonly topicPartition: number
  positionOf(offset: bigint): number
}

/**
 * Makes the rows of records. What does not fit is a NoRow: topics hold what their writers liked, and one record must
 * not hold up those behind it.
 */
export class TopicRows {
  readonly #definition: KafkaTopicSource<AnyRow>
  /** The schema has to see rows as a whole. */
  readonly #validates: boolean
  /** Null: known only when a row is there. */
  readonly #fields: readonly { readonly name: string; readonly convert: (value: unknown) => unknown }[] | null
  /** Members of a JSON object whose whole numbers must not be rounded. */
  readonly #exact: ReadonlySet<string>
  readonly #template: AnyRow

  constructor(definition: KafkaTopicSource<AnyRow>) {
    const fields = rowFields(definition.schema)
    const validates = fields === null || hasObjectRules(definition.schema)
    this.#definition = definition
    this.#validates = validates
    this.#fields =
      fields?.map((field) => ({
        name: field.name,
        convert: jsonConversionOf(validates ? { ...field, refine: null } : field),
      })) ?? null
    this.#exact = new Set((fields ?? []).flatMap(({ kind, name }) => (kind === 'bigint' ? [name] : [])))
    this.#template = Object.fromEntries((fields ?? []).map(({ name }) => [name, null]))
  }

  /** Made as they are asked for, where the schema does not have to see them as a whole. */
  async of(records: readonly TopicRecord[], place: RecordPlace): Promise<PageRows> {
    if (!this.#validates)
      return {
        length: records.length,
        [Symbol.iterator]: () => this.#late(records, place),
      }
    const rows: AnyRow[] = []
    for (const record of records) rows.push(await this.#validated(record, place))
    return rows
  }

  *#late(records: readonly TopicRecord[], place: RecordPlace): Generator<AnyRow> {
    for (const record of records) yield this.#row(record, place)
  }

  #row(record: TopicRecord, place: RecordPlace): AnyRow {
    const row = this.#converted(record, place)
    return row instanceof NoRow ? row : this.#withParts(row, record, place)
  }

  async #validated(record: TopicRecord, place: RecordPlace): Promise<AnyRow> {
    const row = this.#converted(record, place)
    if (row instanceof NoRow) return row
    const valid = await validatedRow(this.#definition.schema, row)
    if (typeof valid === 'string') return new NoRow(row, `${whereIs(record, place)} ${valid}`)
    // A schema may give back the very object that it got.
    return this.#withParts({ ...valid }, record, place)
  }

  /** What the value holds, its fields converted where they are known. */
  #converted(record: TopicRecord, place: RecordPlace): AnyRow {
    const { topic, topicPartition } = place
    const known = { topic, topicPartition, offset: record.offset }
    if (record.value === null && this.#definition.tombstones === 'skip') return new NoRow(known, 'a tombstone', true)
    let value: AnyRow = known
    try {
      value = valueOf(record, this.#definition.value, this.#exact)
      if (this.#fields === null) return value
      const row = { ...this.#template }
      for (const { name, convert } of this.#fields) row[name] = named(name, convert, value[name])
      return row
    } catch (error) {
      if (error instanceof ValueError) return new NoRow(value, `${whereIs(record, place)}: ${error.message}`)
      throw error
    }
  }

  /** What a record has besides its value, over what the value may have of the same name. */
  #withParts(row: AnyRow, record: TopicRecord, place: RecordPlace): AnyRow {
    const { fields, position, value: kind } = this.#definition
    try {
      if (fields.key !== undefined) row[fields.key] = bytesOrText(record.key, kind, 'its key')
      if (fields.topicPartition !== undefined) row[fields.topicPartition] = place.topicPartition
      if (fields.offset !== undefined) row[fields.offset] = record.offset
      if (fields.timestamp !== undefined) row[fields.timestamp] = new Date(record.timestamp)
      if (fields.headers !== undefined) row[fields.headers] = headersOf(record.headers, kind)
      if (position !== null) row[position] = place.positionOf(record.offset)
      return row
    } catch (error) {
      if (error instanceof ValueError) return new NoRow(row, `${whereIs(record, place)}: ${error.message}`)
      throw error
    }
  }
}

/** Fields that two things would go to. */
export function fieldProblems({ schema, fields, position }: KafkaTopicSource<AnyRow>): string[] {
  const taken = new Set((rowFields(schema) ?? []).map(({ name }) => name))
  const given = Object.entries({ ...fields, ...(position === null ? {} : { position }) })
  return given.flatMap(([part, name]) => {
    if (!taken.has(name)) {
      taken.add(name)
      return []
    }
    return [`${part} "${name}" is also another field: give it another name`]
  })
}

const whereIs = ({ offset }: TopicRecord, { topic, topicPartition }: RecordPlace): string =>
  `topic "${topic}", topic partition ${topicPartition}, offset ${offset}`

/** Throws ValueError, also when the value is no object. */
function valueOf({ value }: TopicRecord, kind: RecordValue, exact: ReadonlySet<string>): AnyRow {
  if (kind !== 'json') return { value: bytesOrText(value, kind, 'its value') }
  if (value === null) throw new ValueError("its value is null, a tombstone: tombstones: 'skip' leaves them out")
  const json = jsonOf(value, exact)
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as AnyRow
  throw new ValueError(
    `its value is ${Array.isArray(json) ? 'an array' : (JSON.stringify(json) ?? '').slice(0, 40)}, not a JSON object`,
  )
}

function jsonOf(value: Buffer, exact: ReadonlySet<string>): unknown {
  const text = String(bytesOrText(value, 'text', 'its value'))
  try {
    return parseJson(text, exact)
  } catch {
    // Without the parser's words, which repeat what stands there: nobody could tell whose column that is.
    const hint = value[0] === 0 ? ': it begins with a zero byte, as those written through a schema registry do' : ''
    throw new ValueError(`its value of ${value.length} bytes is not JSON${hint}`)
  }
}

function bytesOrText(bytes: Buffer | null, kind: RecordValue, what: string): Buffer | string | null {
  return bytes === null || kind === 'bytes' ? bytes : named(what, utf8Text, bytes)
}

function headersOf(headers: TopicRecord['headers'], kind: RecordValue): AnyRow {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const one = (bytes: Buffer | null): Buffer | string | null => bytesOrText(bytes, kind, `its header "${name}"`)
      return [name, Array.isArray(value) ? value.map(one) : one(value as Buffer | null)]
    }),
  )
}

/** A column by its name, what is not one in words. */
function named<Value, Result>(what: string, convert: (value: Value) => Result, value: Value): Result {
  try {
    return convert(value)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw new ValueError(`${what.startsWith('its ') ? what : `column "${what}"`} ${error.message}`)
  }
}

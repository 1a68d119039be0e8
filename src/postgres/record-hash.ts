// The record hash in SQL, and the proof that this server computes it as the encoders do. Reads nothing of the user's
// and writes nothing.
import { TerminalError } from '../contract/errors.ts'
import type { Column } from './column.ts'
import { type ColumnType, columnTypeOf, columnTypes } from './column-encoder.ts'
import { CopyBuffer, copyLayout } from './copy-binary.ts'
import { quoteIdentifier } from './identifier.ts'
import { nameOf, type Pool, query } from './pool.ts'
import { recordHashSamples, type Sample } from './record-hash-samples.ts'

/** SQL aggregate that equals the content hash of the same rows encoded here; 0 over no rows. */
export const recordHashSql = (columns: readonly Column[]): string => aggregate(columns.map(hashedField))

/** SQL expression of one row's hash. */
export const rowHashSql = (columns: readonly Column[]): string => rowHash(columns.map(hashedField))

function hashedField(column: Column): string {
  const name = quoteIdentifier(column.name)
  return columnTypeOf(column)?.hashedAsText === true ? `${name}::text` : name
}

const rowHash = (fields: readonly string[]): string => `hash_record_extended(row(${fields.join(', ')}), 0)`
const aggregate = (fields: readonly string[]): string => `coalesce(sum(${rowHash(fields)}::numeric), 0)::text`

const oldestServer = 140_000

/**
 * Hashes a fixed table of some hundred values of every type on the server and here. Throws TerminalError
 * (SINK_NOT_WRITABLE) that names the types that differ and the server's version: the server promises no stable hash,
 * and a certificate that means nothing is worse than none. There is no other hash to fall back to yet.
 */
export async function verifyRecordHash(pool: Pool): Promise<void> {
  const about = await query<{ version: string; number: number; encoding: string }>(
    pool,
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
            current_setting('server_encoding') as encoding`,
  )
  const { version, number, encoding } = about.rows[0] ?? { version: 'unknown', number: 0, encoding: 'unknown' }
  const server = `Postgres ${version} at ${nameOf(pool)}`
  if (number < oldestServer)
    throw new TerminalError('SINK_NOT_WRITABLE', `${server} has no record hash: version 14 or later is right`)
  if (encoding !== 'UTF8')
    throw new TerminalError(
      'SINK_NOT_WRITABLE',
      `${server} keeps text as ${encoding}: a database with encoding UTF8 is right`,
    )
  const types = Object.entries(columnTypes).map(([oid, type]) => sampledColumn(Number(oid), type))
  const { rows } = await query<Record<string, string>>(
    pool,
    sampleSql(types),
    types.map(({ samples }) => samples.map(({ text }) => text)),
  )
  const differing = [...types.map(({ column }) => [column]), types.map(({ column }) => column)].flatMap(
    (columns, place) =>
      rows[0]?.[`sum${place}`] === hashHere(types, columns)
        ? []
        : [columns.length === 1 ? columns[0]?.type : 'whole rows'],
  )
  if (differing.length > 0)
    throw new TerminalError(
      'SINK_NOT_WRITABLE',
      `${server} hashes ${differing.join(', ')} in another way than this program: its content hashes could not be compared. Please report the version`,
    )
}

interface SampledColumn {
  readonly column: Column
  readonly hashedAsText: boolean
  readonly samples: readonly Sample[]
}

function sampledColumn(typeOid: number, { name, hashedAsText }: ColumnType): SampledColumn {
  const column: Column = {
    name,
    type: name,
    typeOid,
    typmod: -1,
    notNull: false,
    hasDefault: false,
    generated: false,
    identity: false,
    deterministic: true,
  }
  return { column, hashedAsText, samples: recordHashSamples(name) }
}

/** One sum for each type alone and one for all together, over arrays of text that the server reads itself. */
function sampleSql(types: readonly SampledColumn[]): string {
  const fields = types.map(
    ({ column: { type }, hashedAsText }) => `${quoteIdentifier(type)}::${type}${hashedAsText ? '::text' : ''}`,
  )
  const sums = [...fields.map((field) => [field]), fields].map((some, place) => `${aggregate(some)} as sum${place}`)
  const arrays = types.map((_, i) => `$${i + 1}::text[]`).join(', ')
  const names = types.map(({ column }) => quoteIdentifier(column.name)).join(', ')
  return `select ${sums.join(', ')} from unnest(${arrays}) as samples(${names})`
}

function hashHere(types: readonly SampledColumn[], columns: readonly Column[]): string {
  const buffer = new CopyBuffer(copyLayout(columns))
  const count = types[0]?.samples.length ?? 0
  for (let i = 0; i < count; i++)
    buffer.add(Object.fromEntries(types.map(({ column, samples }) => [column.name, samples[i]?.value])))
  return buffer.contentHash.toString()
}

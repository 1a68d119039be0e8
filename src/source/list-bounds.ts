import { messageOf, TerminalError } from '../contract/errors.ts'
import { writePlace } from '../contract/key-place.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { ByList } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import { codeOf } from '../postgres/classify.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { collated, type TableColumn } from './postgres-catalog.ts'

/** They are stored with the run. */
const mostValues = 100_000

/**
 * The values of a list as the server orders them, each once. Throws TerminalError (PARAMS_INVALID) naming what is no value of
 * the column.
 */
export async function listBounds(
  pool: Pool,
  column: TableColumn,
  { values: name }: ByList<string, string>,
  params: AnyRow,
): Promise<PinnedBounds> {
  const given = params[name]
  if (!Array.isArray(given)) throw invalid(`params.${name} is ${shown(given)}: must be a list of texts or numbers`)
  if (given.length > mostValues)
    throw invalid(
      `params.${name} has ${given.length.toLocaleString('en')} values: at most ${mostValues.toLocaleString('en')} are taken, split the list`,
    )
  const wrong = given.findIndex((value) => !isText(value))
  if (wrong >= 0) throw invalid(`params.${name}[${wrong}] is ${shown(given[wrong])}: must be a text or a number`)
  const values = await ordered(pool, column, given.map(String), name)
  const [first = '', last = ''] = [values[0], values.at(-1)]
  const from = writePlace({ values: [first], after: false })
  const to = values.length === 0 ? from : writePlace({ values: [last], after: true })
  return { kind: 'key', columns: [column.name], from, to, estimatedRows: null, spread: [], values }
}

async function ordered(pool: Pool, column: TableColumn, given: readonly string[], name: string): Promise<string[]> {
  try {
    const { rows } = await query<{ value: string }>(
      pool,
      `select value::text as value
         from (select distinct ${collated(column, `given::${column.label}`)} as value from unnest($1::text[]) as given) as of
        order by of.value`,
      [given],
    )
    return rows.map(({ value }) => value)
  } catch (error) {
    if (!codeOf(error)?.startsWith('22')) throw error
    throw invalid(
      `params.${name} has a value that is none of column "${column.name}", which is ${column.label}: ${messageOf(error)}`,
    )
  }
}

const isText = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))

const shown = (value: unknown): string => (value === undefined ? 'missing' : (JSON.stringify(value) ?? typeof value))

const invalid = (reason: string): TerminalError => new TerminalError('PARAMS_INVALID', reason, { reasons: [reason] })

import { messageOf, TerminalError } from '../contract/errors.ts'
import { writePlace } from '../contract/key-place.ts'
import type { BoundParams } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import { codeOf } from '../postgres/classify.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { collated, type TableColumn } from './postgres-catalog.ts'

/**
 * The bounds that a request's params give of a column that only the server can order, as places: it is asked whether they
 * are values of the column, and in order. Throws TerminalError (PARAMS_INVALID).
 */
export async function keyParamBounds(
  pool: Pool,
  columns: readonly TableColumn[],
  names: BoundParams<string>,
  params: AnyRow,
): Promise<{ readonly from: string; readonly to: string }> {
  const [column] = columns
  if (column === undefined || columns.length > 1)
    throw new TerminalError(
      'PLAN_INVALID',
      `bounds "${names.from}" and "${names.to}": partitions along ${columns.map(({ name }) => name).join(', ')} cannot be bounded by params, for these are values of one column`,
    )
  const [from, to] = [names.from, names.to].map((name) => {
    const value = params[name]
    if (typeof value !== 'string' && typeof value !== 'boolean')
      throw invalid(`params.${name} is ${value === undefined ? 'missing' : JSON.stringify(value)}: must be a text`)
    return String(value)
  }) as [string, string]
  const cast = (at: number): string => collated(column, `$${at}::${column.label}`)
  try {
    const { rows } = await query<{ fits: boolean }>(pool, `select ${cast(1)} < ${cast(2)} as fits`, [from, to])
    if (rows[0]?.fits !== true)
      throw invalid(
        `params.${names.from} is "${from}" and params.${names.to} is "${to}": the first must come before the second in the order of column "${column.name}"`,
      )
  } catch (error) {
    if (!codeOf(error)?.startsWith('22')) throw error
    throw invalid(
      `params.${names.from} is "${from}" and params.${names.to} is "${to}": both must be values of column "${column.name}", which is ${column.label} (${messageOf(error)})`,
    )
  }
  return { from: writePlace({ values: [from], after: false }), to: writePlace({ values: [to], after: false }) }
}

const invalid = (reason: string): TerminalError => new TerminalError('PARAMS_INVALID', reason, { reasons: [reason] })

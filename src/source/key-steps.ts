// Where a table is cut along keys that only the server can order: at keys that it gives, of all rows or of a sample.

import { TerminalError } from '../contract/errors.ts'
import { writePlace } from '../contract/key-place.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { OrderTerm } from './order-term.ts'
import type { Condition } from './postgres-catalog.ts'
import { sampleOf } from './postgres-sample.ts'

/** The cuts are stored with the plan: more would make it slow to read, and most likely the partitions are too small. */
const mostSteps = 10_000

type KeySpread = Pick<Extract<PinnedBounds, { kind: 'key' }>, 'spread' | 'estimatedRows'>

/**
 * Steps of about `size` rows that tile [from, to), which are places. `estimatedRows`: what the server believes the
 * domain holds; null: it does not know. Throws TerminalError (PLAN_INVALID) when there would be too many.
 */
export async function keySteps(
  pool: Pool,
  table: TableName,
  terms: readonly OrderTerm[],
  { from, to }: { readonly from: string; readonly to: string },
  within: Condition,
  size: number,
  estimatedRows: number | null,
): Promise<KeySpread> {
  if (from === to) return { estimatedRows: 0, spread: [] }
  const sample = await sampleOf(pool, table)
  const texts = terms.map(({ sql }) => `${sql}::text`).join(', ')
  const ordered = terms.map(({ sql }) => sql).join(', ')
  const believed = sample.percent === 100 ? null : estimatedRows
  const first = within.values.length + 1
  const { rows } = await query<{ key: string[] | null; below: string; looked: string; total: string }>(
    pool,
    `with looked as (
       select array[${texts}] as key, row_number() over (order by ${ordered}) - 1 as below, count(*) over () as looked
         ${sample.from} where ${within.sql}),
     sized as (
       select *, coalesce($${first}::int8, round(looked * 100 / $${first + 1}::numeric)::int8) as total from looked),
     parted as (select *, greatest(1, ceil(total / $${first + 2}::numeric)::int8) as steps from sized)
     select key, below, looked, total from parted
      where below = 0 or (below * steps) / looked > ((below - 1) * steps) / looked
      order by below limit ${mostSteps + 1}`,
    [...within.values, believed, sample.percent, size],
  )
  const total = Number(rows[0]?.total ?? 0)
  if (rows.length > mostSteps)
    throw new TerminalError(
      'PLAN_INVALID',
      `partitions of ${size} rows would be more than ${mostSteps.toLocaleString('en')} along ${terms.map(({ name }) => name).join(', ')}, the most that keys of this kind are cut into: about ${Math.ceil(total / mostSteps).toLocaleString('en')} rows a partition are right`,
    )
  return { estimatedRows: total, spread: stepsBetween(rows, { from, to }, total) }
}

function stepsBetween(
  cuts: readonly { readonly key: string[] | null; readonly below: string; readonly looked: string }[],
  { from, to }: { readonly from: string; readonly to: string },
  total: number,
): KeySpread['spread'] {
  const steps: { to: string; rows: number }[] = []
  let [reached, counted] = [from, 0]
  for (const { key, below, looked } of cuts) {
    const place = writePlace({ values: key ?? [], after: false })
    // The rows of one key are not cut.
    if (Number(below) === 0 || place === reached) continue
    const upTo = Math.round((total * Number(below)) / Number(looked))
    steps.push({ to: place, rows: upTo - counted })
    ;[reached, counted] = [place, upTo]
  }
  return [...steps, { to, rows: total - counted }]
}

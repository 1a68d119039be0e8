import { TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import { keyKindOf } from '../plan/cut.ts'
import { orderOf } from '../plan/domain-order.ts'
import { type Run, readPartition, readRun } from '../plan/run.ts'
import type { Span } from '../plan/stretches.ts'
import type { StoredPartition } from '../plan/task-of.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { Sink } from '../sink/sink.ts'
import type { CertifiedRun } from './certify-run.ts'

/** What the control database knows of a run that is to be certified, and of those that came after it on its target. */
export interface RunArchive {
  /** Throws TerminalError (NOT_FOUND). */
  run(id: RunId): Promise<Run>
  plan(id: RunId): Promise<readonly StoredPartition[]>
  /** Accepted after it, on the same target. */
  laterRuns(run: Run): Promise<readonly Run[]>
}

export function createRunArchive(pool: Pool, schema: string): RunArchive {
  const in_ = (table: string): string => `${quoteIdentifier(schema)}.${table}`
  const runs = async (where: string, values: readonly unknown[]): Promise<readonly Run[]> => {
    const { rows } = await query<Record<string, unknown>>(
      pool,
      `select *, planned_at is not null as is_planned from ${in_('run')} r where ${where} order by accepted_at, id`,
      values,
    )
    return rows.map(readRun)
  }
  return {
    run: async (id) => {
      const [run] = await runs('id = $1', [id])
      if (run === undefined)
        throw new TerminalError('NOT_FOUND', `no run ${id} is known here; "tidemark status" lists them`)
      return run
    },
    plan: async (id) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select index, partition_id, kind, "from", "to", locator, estimated_rows
           from ${in_('partition')} where run_id = $1 order by index`,
        [id],
      )
      return rows.map(readPartition)
    },
    laterRuns: (run) =>
      runs(`target_id = $1 and (accepted_at, id) > (select accepted_at, id from ${in_('run')} where id = $2)`, [
        run.target.id,
        run.id,
      ]),
  }
}

/** A run with its plan, and the parts of its domain that other runs have completed or written since. */
export async function certifiedRun(archive: RunArchive, sink: Sink, id: RunId): Promise<CertifiedRun> {
  const run = await archive.run(id)
  const order = orderOf(run.bounds)
  const retried: Span[] = []
  const overwritten: Span[] = []
  for (const later of await archive.laterRuns(run)) {
    // What ranges of another kind wrote of it cannot be told.
    if (keyKindOf(later.bounds) !== keyKindOf(run.bounds)) continue
    const checkpoints = new Map((await sink.checkpoints(later.id)).map((row) => [row.partitionId, row]))
    for (const { partitionId, range } of await archive.plan(later.id)) {
      const checkpoint = checkpoints.get(partitionId)
      if (checkpoint === undefined || checkpoint.sequence === 0) continue
      const span = placed(order, range)
      if (span === null) continue
      overwritten.push(span)
      if (checkpoint.state === 'completed' && later.retryOf === run.id) retried.push(span)
    }
  }
  return { run, plan: await archive.plan(id), retried: disjoint(retried), overwritten: disjoint(overwritten) }
}

/** Null: of keys that only a server can order, the range is none of the run's. */
function placed({ value }: ReturnType<typeof orderOf>, { from, to }: StoredPartition['range']): Span | null {
  try {
    return { from: value(from), to: value(to) }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function disjoint(spans: readonly Span[]): readonly Span[] {
  const all: { from: bigint; to: bigint }[] = []
  for (const { from, to } of spans.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = all.at(-1)
    if (last === undefined || from > last.to) all.push({ from, to })
    else if (to > last.to) last.to = to
  }
  return all
}

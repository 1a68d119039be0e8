import { createHash } from 'node:crypto'
import { setImmediate as yieldToEvents } from 'node:timers/promises'
import canonicalize from 'canonicalize'
import { TerminalError } from '../contract/errors.ts'
import type { Sha256 } from '../contract/ids.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { domainOf } from './pinned-domain.ts'

/** More than this is most likely a window of a wrong unit, and would keep the planner busy for hours. */
export const maxPartitions = 1_000_000

export interface PlanOutline {
  readonly planHash: Sha256
  readonly partitions: number
  /** Rows of all of them, as far as they are known; null when those of one are not. */
  readonly estimatedRows: number | null
}

/**
 * Goes through a whole plan without keeping it: how many partitions and rows it has, and the SHA-256 over definition, pinned
 * bounds and every partition. The same plan has the same hash on every machine.
 * Throws TerminalError (PLAN_INVALID) when there are more than `limit` partitions.
 */
export async function outlinePlan(
  definitionHash: Sha256,
  bounds: PinnedBounds,
  partitions: Iterable<PlannedPartition> | AsyncIterable<PlannedPartition>,
  signal: AbortSignal,
  limit: number = maxPartitions,
): Promise<PlanOutline> {
  const hash = createHash('sha256').update(`${definitionHash}\n${canonicalize(domainOf(bounds))}\n`)
  let count = 0
  let rows: number | null = 0
  for await (const { index, from, to, locator, estimatedRows } of partitions) {
    if (count === limit)
      throw new TerminalError(
        'PLAN_INVALID',
        `the plan has more than ${limit.toLocaleString('en')} partitions: make the partitions larger, or the range smaller`,
      )
    hash.update(`${canonicalize([index, from, to, locator])}\n`)
    count += 1
    rows = rows === null || estimatedRows === null ? null : rows + estimatedRows
    if (count % 5_000 === 0) {
      await yieldToEvents()
      signal.throwIfAborted()
    }
  }
  return { planHash: hash.digest('hex'), partitions: count, estimatedRows: rows }
}

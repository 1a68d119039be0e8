import { setTimeout as sleep } from 'node:timers/promises'
import { type Facts, readTables } from './facts.ts'
import type { Observer } from './observer.ts'
import type { Part } from './processes.ts'
import type { World } from './small-world.ts'

export interface Settling {
  readonly world: World
  readonly observer: Observer
  readonly parts: readonly Part[]
  readonly endLimitMs: number
  /** Tasks that may have to read their chunk again. */
  readonly tasksHurt: number
  /** How the runs must end. */
  readonly wanted: Facts['wanted']
  readonly pauses: Facts['pauses']
  /** Those that nothing was done to that may end one. */
  readonly unharmed?: readonly Part[]
  readonly wentBack?: boolean
}

const stopWithinMs = 25_000
/** Longer than a follower whose consumer hangs is waited for. */
const observerLimitMs = 45_000

/** Waits until every run has ended and nothing moves any more, ends the parts in order, and reads what they left. */
export async function settle(settling: Settling): Promise<Facts> {
  const { world, observer, parts, endLimitMs, tasksHurt, wanted, pauses, unharmed = [], wentBack = false } = settling
  const began = performance.now()
  const isEnded = async (): Promise<boolean> => {
    const [row] = await world.sql<{ ended: string }>(
      `select count(*) as ended from :schema.run r join :schema.ledger_run l on l.run_id = r.id
        where r.state in ('completed', 'failed', 'cancelled') and l.state = r.state`,
    )
    return Number(row?.ended) === world.backfills.length
  }
  const isIdle = async (): Promise<boolean> => {
    const committed = await observer.committed()
    return committed.every(({ topicPartition, offset }) =>
      [...(observer.tasks.get(topicPartition)?.keys() ?? [])].every((at) => at < offset),
    )
  }
  const isRecorded = async (): Promise<boolean> => {
    const rows = await world.sql<{ topic_partition: string; next_offset: string }>(
      'select topic_partition, next_offset from :schema.ledger_offset',
    )
    const stored = new Map(rows.map((row) => [Number(row.topic_partition), BigInt(row.next_offset)]))
    const ends = await observer.statusEnds()
    return [...ends].every(([partition, end]) => end === 0n || (stored.get(partition) ?? 0n) >= end)
  }
  const deadline = began + endLimitMs
  // What never comes true is a violation, and is named by the invariants.
  const waitFor = async (probe: () => Promise<boolean>, until: number): Promise<void> => {
    while (performance.now() < until && !(await probe().catch(() => false))) await sleep(100)
  }
  await waitFor(isEnded, deadline)
  await waitFor(isIdle, deadline)
  const endedInMs = Math.round(performance.now() - began)
  const endedAtMs = Date.now()
  const end = async (those: readonly Part[]): Promise<void> => {
    for (const [at, how] of (await Promise.all(those.map((part) => part.stop(stopWithinMs)))).entries())
      if (how === 'killed') throw new Error(`${those[at]?.name} did not stop within ${stopWithinMs} ms`)
  }
  const isLast = (part: Part): boolean => part.roles.includes('ledger')
  // Whoever still had something to say or to write has done so when it ends in order.
  await end(parts.filter((part) => !isLast(part)))
  await waitFor(isRecorded, performance.now() + 10_000)
  const hasReadAll = async (): Promise<boolean> => (await observer.unread()) === null
  await waitFor(hasReadAll, performance.now() + observerLimitMs)
  const unread = await observer.unread()
  if (unread !== null) throw new Error(`the observer judges by less than was told, it has not read ${unread}`)
  await end(parts.filter(isLast))
  if (observer.looks() === 0) throw new Error('the observer never had a look')
  return {
    ...(await readTables(world)),
    ...{ world, events: observer.events, tasks: observer.tasks, seen: observer.seen },
    committed: await observer.committed(),
    rowsRead: parts.reduce((sum, part) => sum + part.rowsRead(), 0),
    rowsReadAgainLimit: tasksHurt * world.chunkRows,
    ...{ endedInMs, endedAtMs, endLimitMs, wanted, pauses, wentBack },
    fallen: unharmed.filter((part) => part.deaths() > 0).map(({ name }) => name),
  }
}

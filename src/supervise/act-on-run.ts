import type { PartitionId } from '../contract/ids.ts'
import { canMove, isTerminalRun } from '../contract/states.ts'
import type { StatusEvent } from '../contract/status.ts'
import { breakerRequest, quarantineRequest } from '../plan/park-request.ts'
import { taskOf } from '../plan/task-of.ts'
import type { Sink } from '../sink/sink.ts'
import type { Difference, PartitionDoubt, PlannedPartitionState, RecordedPartition } from './compare.ts'
import type { PassedTasks } from './lane-findings.ts'
import type { LiveRun } from './live-runs.ts'
import { partitionEnd, repairMade, republished, runEnd } from './repairs.ts'
import { type Memory, requireLead, type Supervising } from './supervising.ts'
import { sweepCancelled } from './sweep-cancelled.ts'

/** A run as it was found. */
export interface FoundRun {
  readonly run: LiveRun
  readonly plan: readonly PlannedPartitionState[]
  readonly sink: Sink
  readonly ledger: ReadonlyMap<PartitionId, RecordedPartition>
  readonly found: Difference
  readonly passed: PassedTasks
}

const perBatch = 500

/** Of these doubts a partition may not simply go on: what it would build upon is not known. */
const quarantined: ReadonlySet<PartitionDoubt['kind']> = new Set(['hashDiffers', 'phantomCompletion'])

/**
 * Repairs what can be repaired. Each action follows from what is stored, so a crash between two of them, or two leaders at
 * once, only does one of them twice. Never writes rows.
 */
export async function actOnRun(deps: Supervising, memory: Memory, of: FoundRun, signal: AbortSignal): Promise<void> {
  const { run, sink, found, plan } = of
  await tellAgain(deps, of)
  if (found.tripped && !memory.tripped.has(run.id)) {
    await requireLead(deps)
    deps.log.error({ runId: run.id }, 'more than half of its partitions failed: the run is to be parked')
    await deps.ask(breakerRequest(run.id))
    memory.tripped.add(run.id)
  }
  const doubted = await quarantine(deps, memory, of)
  if (found.unswept.length > 0) await requireLead(deps)
  await sweepCancelled({ ...deps, partitions: deps.runs.partitions }, run, sink, found.unswept, signal)
  for (const some of inBatches(found.stranded.filter((id) => !doubted.has(id)))) await publishAgain(deps, of, some)
  if (found.ended !== null && !run.endTold) await end(deps, run, run.partitions - plan.length, found.ended)
}

/** Ends that the ledger will never hear of otherwise. */
async function tellAgain(deps: Supervising, { run, plan, ledger, found }: FoundRun): Promise<void> {
  if (found.untold.length === 0) return
  await requireLead(deps)
  const planned = new Map(plan.map((partition) => [partition.partitionId, partition]))
  for (const some of inBatches(found.untold)) {
    const at = deps.now()
    const told = some.flatMap((checkpoint): [StatusEvent, StatusEvent][] => {
      const { partitionId } = checkpoint
      const partition = planned.get(partitionId)
      if (partition === undefined) return []
      const about = { runId: run.id, backfill: run.backfill, partitionId, index: partition.index }
      const message = `the ledger had not heard that the partition is ${checkpoint.state}: told again from its checkpoint row`
      return [
        [
          partitionEnd(run, partition, checkpoint, ledger.get(partitionId), at),
          repairMade('eventLost', about, message, at),
        ],
      ]
    })
    deps.log.warn(
      { runId: run.id, partitions: told.length },
      'ends of partitions that the ledger has not heard of: told again',
    )
    await deps.status.publish(told.map(([ended]) => ended))
    await deps.mark?.('Q1')
    await deps.status.publish(told.map(([, repaired]) => repaired))
  }
}

/**
 * Asks for a pause of live partitions in doubt; the planner decides. A ledger that is ahead is no reason: where the sink
 * went back, rows and checkpoint rows went back together, and the partition goes on from there.
 */
async function quarantine(
  deps: Supervising,
  memory: Memory,
  { run, found, plan }: FoundRun,
): Promise<ReadonlySet<PartitionId>> {
  const doubted = found.doubts.filter(({ kind, isLive }) => isLive && quarantined.has(kind))
  const overlapping = (memory.plans.get(run.id)?.coverage ?? []).flatMap(({ kind, message, index }) => {
    const partition = kind === 'coverageOverlap' ? plan.find((one) => one.index === index) : undefined
    return partition === undefined || isTerminalRun(run.state) ? [] : [{ kind, message, partition }]
  })
  const asked = memory.quarantined.get(run.id) ?? new Set<string>()
  memory.quarantined.set(run.id, asked)
  for (const { kind, message, partition } of [...doubted, ...overlapping]) {
    const { partitionId, index } = partition
    const key = `${kind}/${partitionId}`
    if (asked.has(key)) continue
    await requireLead(deps)
    deps.log.error({ runId: run.id, partitionId, index, kind }, 'a partition in doubt is to be paused')
    await deps.ask(quarantineRequest(run.id, partitionId, kind, message))
    asked.add(key)
  }
  return new Set(doubted.map(({ partition }) => partition.partitionId))
}

async function publishAgain(deps: Supervising, { run, passed }: FoundRun, ids: readonly PartitionId[]): Promise<void> {
  const { runs, tasks, status, now, mark, log } = deps
  const partitions = await runs.partitions(ids)
  await requireLead(deps)
  log.warn({ runId: run.id, partitions: partitions.length }, 'partitions that no open task covers: published again')
  await tasks.publish(partitions.map((partition) => taskOf(run, partition, 'stranded', now())))
  await mark?.('Q2')
  const causeOf = (partitionId: PartitionId): string | undefined => {
    const task = passed.get(partitionId)
    return task && `the committed offset of topic partition ${task.topicPartition} is past its task at ${task.offset}`
  }
  await status.publish(
    partitions.map((partition) => republished(run, partition, now(), causeOf(partition.partitionId))),
  )
}

/**
 * Decided in the control database, against a pause or cancel that comes at the same moment; then told; then known to be
 * told. A crash in between tells it again.
 */
async function end(
  deps: Supervising,
  run: LiveRun,
  unplanned: number,
  ended: NonNullable<Difference['ended']>,
): Promise<void> {
  const how = {
    ...ended,
    partitionsCancelled: ended.partitionsCancelled + (ended.state === 'cancelled' ? unplanned : 0),
  }
  const at = deps.now()
  const decided =
    isTerminalRun(run.state) ||
    (canMove(run.state, how.state) && (await deps.runs.end(run.id, run.state, how.state, at)))
  if (!decided) return
  await deps.mark?.('C4')
  await deps.status.publish([runEnd(run, how, at)])
  await deps.mark?.('Q3')
  if (run.controlSequence > 0) await deps.control.clear(run.id)
  await deps.runs.markEndTold(run.id)
  await deps.mark?.('Q4')
  deps.log.info({ runId: run.id, backfill: run.backfill, ...how }, `run ${how.state}`)
}

function* inBatches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += perBatch) yield items.slice(at, at + perBatch)
}

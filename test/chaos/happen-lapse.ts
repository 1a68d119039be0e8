// A worker's lease lapses while it stands still in the middle of a partition, and its task comes again elsewhere.
import type { TaskMessage } from '../../src/contract/task.ts'
import { decodeOffsetMetadata } from '../../src/work/offset-metadata.ts'
import type { Part } from './processes.ts'
import type { Running } from './run-cell.ts'
import { held, until } from './wait-for.ts'

const everyOtherLane = Array.from({ length: 24 }, (_, at) => 2 * at + 1)

/** Returns when the frozen worker goes on, and what it does with the task that it has lost could be seen. */
export async function outlastLease(
  running: Running,
  frozen: Part,
  other: Part,
  bounds: 'same' | 'other',
): Promise<void> {
  const beganMs = performance.now()
  const lost = await runningOf(running, frozen)
  const ids = lost.map(({ partitionId }) => partitionId)
  if (bounds === 'other') {
    await running.observer.repeatTasks(everyOtherLane, withOtherBounds)
    await until('the end of the session has given away what it held', () => isTakenOver(running, ids, other))
    frozen.thaw()
    return
  }
  other.holdClaims(ids)
  // Only what it holds, and on every other lane: one of the copies is begun at once, not behind all other tasks.
  await running.observer.repeatTasks(everyOtherLane, undefined, ({ partitionId }) => ids.includes(partitionId))
  await held(other, 'W1')
  const tookMs = performance.now() - beganMs
  if (tookMs > running.world.config.kafka.sessionTimeoutMs)
    throw new Error(`taken over after ${Math.round(tookMs)} ms: its session is over`)
  frozen.thaw()
  await until('it has committed offsets of what it works on since', () => hasCommittedSince(running, frozen, lost))
  const looks = running.observer.looks()
  await until('its offsets have been looked at', () => running.observer.looks() > looks + 1)
  other.goOn()
}

interface Held {
  readonly partitionId: string
  readonly epoch: number
}

async function runningOf({ world }: Running, { name }: Part): Promise<readonly Held[]> {
  const rows = await world.sql<{ partition_id: string; epoch: string }>(
    `select partition_id, epoch from :schema.checkpoint where holder = $1 and state = 'running'`,
    [name],
  )
  return rows.map((row) => ({ partitionId: row.partition_id, epoch: Number(row.epoch) }))
}

async function isTakenOver({ world }: Running, ids: readonly string[], { name }: Part): Promise<boolean> {
  const rows = await world.sql('select 1 from :schema.checkpoint where partition_id = any ($1) and holder = $2', [
    [...ids],
    name,
  ])
  return rows.length > 0
}

/** Offsets of all lanes go out together: with what it has claimed later goes what became of the task it had lost. */
async function hasCommittedSince(running: Running, part: Part, before: readonly Held[]): Promise<boolean> {
  const { observer } = running
  const now = (await runningOf(running, part)).filter(
    ({ partitionId, epoch }) => !before.some((old) => old.partitionId === partitionId && old.epoch === epoch),
  )
  return (await observer.committed()).some(({ topicPartition, offset, metadata }) =>
    decodeOffsetMetadata(metadata)?.tasks.some((note) => {
      const partitionId = observer.tasks.get(topicPartition)?.get(offset + BigInt(note.delta))
      return now.some((held) => held.partitionId === partitionId && held.epoch === note.progress?.epoch)
    }),
  )
}

const withOtherBounds = (task: TaskMessage): TaskMessage => ({
  ...task,
  range: { ...task.range, to: String(BigInt(task.range.to) - 100n) },
})

// What workers tell of many small tasks, as it stands on the status topic: five events a task, those of a thousand tasks
// that are worked on at the same time among each other.
import { microsToInstant } from '../../src/contract/range.ts'
import { type StatusEvent, statusKey } from '../../src/contract/status.ts'
import { keyPartitioner } from '../../src/kafka/key-partitioner.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'

export interface ToldEvent {
  /** Its place in the topic partition, if all is told once and in order. */
  readonly offset: string
  readonly key: string
  readonly value: Buffer
}

/** By topic partition. */
export type ToldTopic = readonly (readonly ToldEvent[])[]

export const eventsPerTask = 5
const atOnce = 1_000
const topicPartitions = 12
const runId = '019aa000-0000-7000-8000-000000000001'
const beganMicros = 1_795_000_000_000_000n

export function toldTasks(tasks: number): ToldTopic {
  const topic: ToldEvent[][] = Array.from({ length: topicPartitions }, () => [])
  const partitioner = keyPartitioner()
  const partitionMetadata = topic.map((_, partitionId) => ({
    ...{ partitionId, partitionErrorCode: 0, leader: 0, replicas: [], isr: [] },
  }))
  let told = 0n
  for (let first = 0; first < tasks; first += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, tasks - first) }, (_, n) => first + n)
    for (let step = 0; step < eventsPerTask; step += 1)
      for (const index of some) {
        told += 1n
        const event = eventOf(index, step, microsToInstant(beganMicros + told * 20n))
        const key = statusKey(event)
        const at = partitioner({ topic: '', partitionMetadata, message: { key, value: null } })
        const value = Buffer.from(JSON.stringify(event))
        const events = topic[at] ?? []
        events.push({ offset: String(events.length), key, value })
      }
  }
  return topic
}

function eventOf(index: number, step: number, at: string): StatusEvent {
  const range = { kind: 'integer' as const, from: String(index * 150_000), to: String((index + 1) * 150_000) }
  const chunks = Math.min(step, eventsPerTask - 2)
  const of = {
    ...{
      version: 1 as const,
      at,
      runId,
      backfill: 'orders-v2',
      partitionId: partitionIdOf(runId, { index, ...range }),
    },
    ...{ index, epoch: 1, sequence: chunks, cursor: chunks === 0 ? null : String(index * 150_000 + chunks * 50_000) },
    totals: {
      ...{
        rowsRead: chunks * 50_000,
        rowsWritten: chunks * 49_990,
        rowsFiltered: chunks * 10,
        rowsRejected: 0,
        chunks,
      },
      contentHash: (BigInt(index + 1) * BigInt(chunks) * 9_223_372_036_854_775_807n).toString(),
    },
    ...{ worker: `worker-${index % 4}`, topicPartition: index % 48 },
  }
  if (step === 0) return { ...of, type: 'partition.claimed', range }
  if (step === eventsPerTask - 1) return { ...of, type: 'partition.completed' }
  const timings = { readMs: 41.293 + step, transformMs: 12.0171, writeMs: 88.40211 }
  return { ...of, type: 'partition.progressed', timings }
}

/** A tenth of the events once more, some hundred places later, and all of them among their neighbours. */
export function disturbed(topic: ToldTopic, random: () => number): ToldTopic {
  return topic.map((events) => {
    const placed = events.map((event, at) => ({ event, at: at + random() * 50 }))
    const again = placed.filter(() => random() < 0.1).map(({ event, at }) => ({ event, at: at + random() * 1_000 }))
    return [...placed, ...again].sort((a, b) => a.at - b.at).map(({ event }) => event)
  })
}

/** The same numbers at every start. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}

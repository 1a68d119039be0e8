// When the offsets of a group were committed, as the broker wrote it down: from its own topic of offsets, whose keys are
// documented in the protocol guide (version, group, topic, partition).
import { randomUUID } from 'node:crypto'
import { createKafka, withAdmin } from '../../src/kafka/client.ts'
import type { Config } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

const offsetsTopic = '__consumer_offsets'
const newestOffsetKey = 1
const limitMs = 60_000

/** Times in ms of the epoch, in order, by topic partition of `topic`. */
export async function commitTimes(
  config: Config,
  group: string,
  topic: string,
): Promise<ReadonlyMap<number, number[]>> {
  const ends = await withAdmin(config, silentLog, (admin) => admin.fetchTopicOffsets(offsetsTopic))
  const left = new Map(
    ends.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, BigInt(high)]),
  )
  const times = new Map<number, number[]>()
  const consumer = createKafka(config, 'commit-times', silentLog).consumer({ groupId: `commit-times.${randomUUID()}` })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic: offsetsTopic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { key, timestamp } of batch.messages) {
          const place = key === null ? undefined : readKey(key)
          if (place?.group !== group || place.topic !== topic) continue
          const known = times.get(place.partition) ?? []
          known.push(Number(timestamp))
          times.set(place.partition, known)
        }
        if (BigInt(batch.lastOffset()) + 1n >= (left.get(batch.partition) ?? 0n)) left.delete(batch.partition)
      },
    })
    await eventually('all offset commits', async () => left.size === 0 || undefined, limitMs)
  } finally {
    await consumer.disconnect()
  }
  for (const of of times.values()) of.sort((a, b) => a - b)
  return times
}

export interface OffsetKey {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** Undefined for the key of another kind of record, such as a group's members. */
export function readKey(key: Buffer): OffsetKey | undefined {
  if (key.readInt16BE(0) > newestOffsetKey) return undefined
  let at = 2
  const text = (): string => {
    const end = at + 2 + key.readInt16BE(at)
    const found = key.toString('utf8', at + 2, end)
    at = end
    return found
  }
  const [group, topic] = [text(), text()]
  return { group, topic, partition: key.readInt32BE(at) }
}

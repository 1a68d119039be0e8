import type { IncomingRecord } from '../../src/status/record-feed.ts'
import type { StatusTopic } from '../../src/subscribe/status-topic.ts'
import { record } from './hand-feed.ts'

/** A status topic in memory, whose records come in an order that the test chooses. */
export interface HandTopic extends StatusTopic {
  tell(topicPartition: number, ...values: unknown[]): void
  /** Removes what is below an offset, as retention does. */
  removeBefore(topicPartition: number, offset: number): void
  /** Streams that have not ended. */
  readonly open: number
}

export interface HandTopicOptions {
  readonly name?: string
  readonly id?: string | null
  /** Which of the topic partitions that have more to hand over is next, by turns. Default: the first of them. */
  readonly turns?: readonly number[]
}

export function handTopic(
  logs: readonly (readonly unknown[])[],
  { name = 'tidemark.status', id = 'a'.repeat(32), turns = [0] }: HandTopicOptions = {},
): HandTopic {
  const all = logs.map((log) => [...log])
  const first = logs.map(() => 0)
  let told = Promise.withResolvers<void>()
  let open = 0
  const offsets = () => all.map((log, at) => ({ first: BigInt(first[at] ?? 0), next: BigInt(log.length) }))
  return {
    get open() {
      return open
    },
    tell: (topicPartition, ...values) => {
      all[topicPartition]?.push(...values)
      told.resolve()
      told = Promise.withResolvers()
    },
    removeBefore: (topicPartition, offset) => {
      first[topicPartition] = offset
    },
    look: async () => ({ name, id, offsets: offsets() }),
    follow: async (from, signal) => {
      const next = all.map((_, at) => Math.max(Number(from.get(at) ?? 0), first[at] ?? 0))
      const caughtUp = Promise.withResolvers<void>()
      const ends = all.map((log) => log.length)
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      let turn = 0
      open += 1
      async function* records(): AsyncGenerator<IncomingRecord> {
        try {
          while (!signal.aborted) {
            const ready = all.flatMap((log, at) => ((next[at] ?? 0) < log.length ? [at] : []))
            const choice = turns[turn++ % turns.length] ?? 0
            const at = ready[choice % Math.max(ready.length, 1)]
            if (at === undefined) {
              if (next.every((offset, of) => offset >= (ends[of] ?? 0))) caughtUp.resolve()
              await Promise.race([told.promise, aborted])
              continue
            }
            const offset = Math.max(next[at] ?? 0, first[at] ?? 0)
            next[at] = offset + 1
            if (offset < (all[at]?.length ?? 0)) yield record(name, at, offset, all[at]?.[offset])
          }
        } finally {
          open -= 1
        }
      }
      return { caughtUp: caughtUp.promise, [Symbol.asyncIterator]: records }
    },
  }
}

import type { Forecast } from '../contract/plan-report.ts'

/** A chunk that was tried: what reading, transforming and writing it took together. */
export interface ProbedChunk {
  readonly rows: number
  readonly ms: number
}

export interface ForecastFacts {
  readonly chunks: readonly ProbedChunk[]
  /** Chunks that were under way at the same time. */
  readonly atOnce: number
  readonly rows: number
  readonly partitions: number
  readonly workers: number
  /** Of a worker. */
  readonly slots: number
  /** What the definition allows; null: as much as there is. */
  readonly rowsPerSecond: number | null
  readonly maxConcurrentPartitions: number | null
}

/** Claim, first and last event of a partition, in the time of its slot. */
const partitionMs = 25
const trials = 400
/** What a probe does not see: other work on the servers, and how evenly partitions fall to slots at the end. */
const unseen = { quick: 0.85, slow: 1.35 }

/**
 * How long a run takes, with what is not known of it: its chunks are taken to be as those that were tried, in many
 * drawings of as many, and the end may be longer by a partition. More slots than chunks were tried at once are taken to
 * share what those had, more workers to add theirs. Null without chunks that had rows.
 */
export function forecast(
  facts: ForecastFacts,
  random: () => number,
): Omit<Forecast, 'probedChunks' | 'probedRows'> | null {
  const chunks = facts.chunks.filter(({ rows }) => rows > 0)
  if (chunks.length === 0) return null
  const { workers, slots, partitions, rows, atOnce } = facts
  const most = facts.maxConcurrentPartitions ?? Number.POSITIVE_INFINITY
  const streams = Math.max(1, Math.min(workers * slots, partitions, most))
  const atWork = Math.min(streams, workers * atOnce)
  const rate = facts.rowsPerSecond ?? Number.POSITIVE_INFINITY
  const notBefore = (ms: number): number => Math.round(Math.max(ms, (rows / rate) * 1_000))
  const drawn = Array.from({ length: trials }, () => {
    let [of, ms] = [0, 0]
    for (let n = 0; n < chunks.length; n += 1) {
      const chunk = chunks[Math.floor(random() * chunks.length)]
      of += chunk?.rows ?? 0
      ms += chunk?.ms ?? 0
    }
    return ms / of
  }).sort((a, b) => a - b)
  const at = (share: number): number => drawn[Math.floor(share * (drawn.length - 1))] ?? 0
  const lasting = (msPerRow: number): number => (rows * msPerRow) / atWork + (partitions * partitionMs) / streams
  const [low, middle, high] = [at(0.1), at(0.5), at(0.9)]
  const tail = (rows / partitions) * high * (streams > 1 ? 1 : 0)
  return {
    workers,
    slots,
    rowsPerSecond: Math.round(Math.min((1_000 * atWork) / middle, rate)),
    p10Ms: notBefore(lasting(low) * unseen.quick),
    p50Ms: notBefore(lasting(middle) + tail / 2),
    p90Ms: notBefore((lasting(high) + tail) * unseen.slow),
  }
}

import type { Forecast } from '../contract/plan-report.ts'

/** A chunk that was tried. */
export interface ProbedChunk {
  readonly rows: number
  /** To read and transform it. */
  readonly readMs: number
  /** To write it to a temporary table. */
  readonly writeMs: number
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
const drawings = 400
/** Of the time as drawn, what other work on the servers may do to it. */
const unseen = { least: 0.85, most: 1.35 }
/** A temporary table is not logged, and its indexes are small: the real one takes from as long to twice as long. */
const logged = { least: 1, most: 2 }

/**
 * How long a run takes, with what is not known of it drawn many times: its chunks are as those that were tried, drawn as
 * often; writing takes up to twice as long as to a temporary table; and of what they need a share between nothing and all
 * is had in common by workers (servers, cores, disks), so that W of them do between W times and once what one does
 * (Amdahl's law). More slots than chunks were tried at once are taken to share what those had; the end may be longer by a
 * partition. Null without chunks that had rows.
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
  const rate = facts.rowsPerSecond ?? Number.POSITIVE_INFINITY
  const between = ({ least, most }: { readonly least: number; readonly most: number }): number =>
    least + random() * (most - least)
  const drawn = Array.from({ length: drawings }, () => {
    const writing = between(logged)
    let [of, ms] = [0, 0]
    for (let n = 0; n < chunks.length; n += 1) {
      const chunk = chunks[Math.floor(random() * chunks.length)]
      if (chunk === undefined) continue
      of += chunk.rows
      ms += chunk.readMs + chunk.writeMs * writing
    }
    const msPerRow = ms / of
    const shared = random()
    const atWork = Math.min(streams, (atOnce * workers) / (1 + shared * (workers - 1)))
    const lasting = (rows * msPerRow) / atWork + (partitions * partitionMs) / streams
    const tail = streams > 1 ? random() * (rows / partitions) * msPerRow : 0
    return { perSecond: (1_000 * atWork) / msPerRow, ms: (lasting + tail) * between(unseen) }
  })
  const times = drawn.map(({ ms }) => Math.round(Math.max(ms, (rows / rate) * 1_000))).sort(ascending)
  const rates = drawn.map(({ perSecond }) => Math.min(perSecond, rate)).sort(ascending)
  const at = (sorted: readonly number[], share: number): number => sorted[Math.floor(share * (drawings - 1))] ?? 0
  return {
    workers,
    slots,
    rowsPerSecond: Math.round(at(rates, 0.5)),
    p10Ms: at(times, 0.1),
    p50Ms: at(times, 0.5),
    p90Ms: at(times, 0.9),
  }
}

const ascending = (a: number, b: number): number => a - b

/** Rows that may be taken at a rate. Pure: the clock is handed in. */
export interface Bucket {
  /** Rows a second. */
  readonly rate: number
  /** Rows in hand; below zero: taken ahead, and to be waited for. */
  readonly rows: number
  readonly atMs: number
}

/** What was not taken is kept for this long, and no longer. */
const keptMs = 1_000

export const newBucket = (rate: number, nowMs: number): Bucket => ({ rate, rows: 0, atMs: nowMs })

/** The bucket now, and the rate from now on. A clock that goes back adds nothing. */
export function refilled({ rate, rows, atMs }: Bucket, nextRate: number, nowMs: number): Bucket {
  const added = (Math.max(0, nowMs - atMs) * rate) / 1_000
  const most = (Math.max(rate, nextRate) * keptMs) / 1_000
  return { rate: nextRate, rows: Math.min(most, rows + added), atMs: Math.max(atMs, nowMs) }
}

/** Rows are taken, or, below zero, given back. */
export const taken = (bucket: Bucket, rows: number): Bucket => ({ ...bucket, rows: bucket.rows - rows })

/** Until something may be taken again: a chunk is let through whole, and waited for afterwards. 0: now. */
export function waitMsOf({ rate, rows }: Bucket): number {
  if (rows >= 0) return 0
  return rate === 0 ? Number.POSITIVE_INFINITY : Math.ceil((-rows / rate) * 1_000)
}

/** Nothing is lost when it is forgotten: a new one gives less. */
export const isForgettable = (bucket: Bucket, nowMs: number): boolean => refilled(bucket, bucket.rate, nowMs).rows >= 0

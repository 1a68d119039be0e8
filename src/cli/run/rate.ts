/** Rows handled up to a moment. */
export interface Sample {
  readonly atMs: number
  readonly rows: number
}

const windowMs = 5_000

/** The samples with the newest one, without those that are too old to tell the present rate. */
export function withSample(samples: readonly Sample[], newest: Sample): readonly Sample[] {
  const recent = samples.filter(({ atMs }) => atMs >= newest.atMs - windowMs)
  return [...recent, newest]
}

/** Rows a second over the samples; null while there is too little to tell. */
export function ratePerSecond(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last.atMs - first.atMs < 200) return null
  return Math.max(0, Math.round(((last.rows - first.rows) * 1_000) / (last.atMs - first.atMs)))
}

/** Milliseconds until all rows are handled at this rate; null when that cannot be told. */
export function timeLeftMs(rows: number, allRows: number | null, rate: number | null): number | null {
  if (allRows === null || rate === null || rate === 0) return null
  return Math.round((Math.max(0, allRows - rows) / rate) * 1_000)
}

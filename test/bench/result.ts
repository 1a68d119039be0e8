export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: 'rows' | 'tasks' | 'rows/s' | 'tasks/s' | 'events/s' | 's' | 'ms' | 'MB' | 'timers' | 'ratio'
  /** What a ratio is relative to. */
  readonly ratioTo: string | null
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** What a task, or the lane it is in, can be waiting for. */
export type Stage = 'claim' | 'read' | 'transform' | 'write' | 'tell' | 'commit'

/** Begins a stage; what it returns ends it. */
export type EnterStage = (stage: Stage, subject: string) => () => void

export interface StageUnderWay {
  readonly stage: Stage
  /** What it works on, to a person: a partition, or some lanes. */
  readonly subject: string
  readonly sinceMs: number
}

/** The stage that has lasted longest, when that is longer than the limit. */
export function stuckStage(
  underWay: Iterable<StageUnderWay>,
  nowMs: number,
  limitMs: number,
): (StageUnderWay & { readonly ageMs: number }) | undefined {
  let oldest: StageUnderWay | undefined
  for (const stage of underWay) if (oldest === undefined || stage.sinceMs < oldest.sinceMs) oldest = stage
  if (oldest === undefined) return undefined
  const ageMs = nowMs - oldest.sinceMs
  return ageMs > limitMs ? { ...oldest, ageMs } : undefined
}

export interface StageWatch {
  readonly enter: EnterStage
  readonly underWay: ReadonlySet<StageUnderWay>
}

/** Which stages are under way now. A task that is parked, paused or waits for another's lease is in none. */
export function createStageWatch(nowMs: () => number): StageWatch {
  const underWay = new Set<StageUnderWay>()
  return {
    underWay,
    enter: (stage, subject) => {
      const entry = { stage, subject, sinceMs: nowMs() }
      underWay.add(entry)
      return () => underWay.delete(entry)
    },
  }
}

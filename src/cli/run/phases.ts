export const phaseNames = ['stackMs', 'topicsMs', 'rolesMs', 'planMs', 'workMs', 'verifyMs', 'stopMs'] as const
export type PhaseName = (typeof phaseNames)[number]
export type PhasesMs = Readonly<Record<PhaseName, number>>

/** Where the time of a run goes, phase by phase, on one monotonic clock. */
export interface Phases {
  /** Measures what `work` takes, also when it fails. */
  measure<T>(phase: PhaseName, work: () => Promise<T>): Promise<T>
  add(phase: PhaseName, elapsedMs: number): void
  phasesMs(): PhasesMs
  /** Milliseconds since the phases were created. */
  totalMs(): number
}

export function createPhases(nowMs: () => number): Phases {
  const startedMs = nowMs()
  const spent: Record<PhaseName, number> = {
    stackMs: 0,
    topicsMs: 0,
    rolesMs: 0,
    planMs: 0,
    workMs: 0,
    verifyMs: 0,
    stopMs: 0,
  }
  const add = (phase: PhaseName, elapsedMs: number): void => {
    spent[phase] = Math.round(spent[phase] + elapsedMs)
  }
  return {
    add,
    measure: async (phase, work) => {
      const beganMs = nowMs()
      try {
        return await work()
      } finally {
        add(phase, nowMs() - beganMs)
      }
    },
    phasesMs: () => ({ ...spent }),
    totalMs: () => Math.round(nowMs() - startedMs),
  }
}

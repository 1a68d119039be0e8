import type { RunId } from '../contract/ids.ts'
import { type TuneRequest, tunable } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import { isTerminalRun, type RunState } from '../contract/states.ts'
import type { RunChanges } from '../contract/status.ts'

/** What of a run can be tuned. */
export interface Tuning extends Settings {
  readonly priority: number
  readonly weight: number
}

/** A run as a request to tune it finds it. */
export interface TunedRun {
  readonly id: RunId
  readonly state: RunState
  readonly tuning: Tuning
}

export type TuneDecision =
  | { readonly kind: 'accepted'; readonly tuning: Tuning; readonly changes: RunChanges }
  | { readonly kind: 'rejected'; readonly reasons: readonly string[] }

/** Whether a run can be tuned so, what of it changes, and what holds then. */
export function decideTune({ id, state, tuning }: TunedRun, request: TuneRequest): TuneDecision {
  const what = `tune of run ${id}`
  const rejected = (reason: string): TuneDecision => ({ kind: 'rejected', reasons: [`${what}: ${reason}`] })
  if (isTerminalRun(state)) return rejected(`it is ${state}, nothing is done for it any more`)
  if (state === 'cancelling') return rejected('it is being cancelled, which is for good')
  const asked = tunable.flatMap((name) => {
    const to = request[name]
    return to === undefined ? [] : [{ name, from: tuning[name], to }]
  })
  const changed = asked.filter(({ from, to }) => from !== to)
  if (changed.length === 0) {
    const already = asked.map(({ name, to }) => `${name} is ${to ?? 'what the definition says'}`)
    return rejected(`nothing would change, for ${already.join(' and ')} already`)
  }
  return {
    kind: 'accepted',
    tuning: { ...tuning, ...Object.fromEntries(changed.map(({ name, to }) => [name, to])) },
    changes: Object.fromEntries(changed.map(({ name, from, to }) => [name, { from, to }])),
  }
}

import type { RunId, WorkerId } from '../contract/ids.ts'
import { type Acknowledged, obedienceOf } from '../status/acknowledged.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'

/** An intent as it stands. */
export interface StandingIntent {
  readonly runId: RunId
  readonly backfill: string
  readonly intent: 'running' | 'paused' | 'cancelled'
  readonly sequence: number
  readonly at: string
}

export interface IntentPatience {
  /** Obeying takes one chunk; who needs longer than this is named. */
  readonly lateMs: number
  /** Who needs longer than this will not obey by itself. */
  readonly forcedMs: number
}

/** Those that all workers should obey by now. */
export const dueIntents = (
  intents: readonly StandingIntent[],
  now: Date,
  { lateMs }: IntentPatience,
): readonly StandingIntent[] => intents.filter(({ at }) => now.getTime() - Date.parse(at) >= lateMs)

/** The workers of the group that have not said that they obey an intent. */
export const disobedient = (
  { sequence, at }: StandingIntent,
  workers: readonly WorkerId[],
  acknowledged: readonly Acknowledged[],
): readonly WorkerId[] => obedienceOf(workers, acknowledged, { sequence, at }).missing

/** What is said of them. */
export function lateIntent(
  one: StandingIntent,
  missing: readonly WorkerId[],
  now: Date,
  patience: IntentPatience,
): readonly Condition[] {
  const { runId, backfill, intent, sequence, at } = one
  const waitedMs = now.getTime() - Date.parse(at)
  const isCritical = intent === 'paused' && isForced(one, now, patience)
  return missing.map((worker) =>
    condition(
      'intentUnacknowledged',
      { runId, backfill, worker },
      `${worker} has not said for ${Math.round(waitedMs / 1000)} s that it obeys "${intent}" (control sequence ${sequence})`,
      isCritical ? { severity: 'critical' } : {},
    ),
  )
}

/**
 * Whether a pause or a cancel that somebody does not obey is carried out without them: what is cancelled ends in the sink
 * (`sweepCancelled`), what is paused is taken from them there, as often as they claim it.
 */
export const isForced = ({ intent, at }: StandingIntent, now: Date, { forcedMs }: IntentPatience): boolean =>
  intent !== 'running' && now.getTime() - Date.parse(at) >= forcedMs

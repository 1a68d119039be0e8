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

/**
 * The workers of the group that have not said that they obey an intent. What is cancelled is cancelled in the sink itself
 * (`sweepCancelled`): a worker that does not listen is fenced there. A pause cannot be forced so: the worker's next claim
 * for the same topic partition would take the partition again at once, whatever the epoch is. So it becomes critical, and
 * a person stops the worker.
 */
export function lateIntent(
  { runId, backfill, intent, sequence, at }: StandingIntent,
  workers: readonly WorkerId[],
  acknowledged: readonly Acknowledged[],
  now: Date,
  { forcedMs }: IntentPatience,
): readonly Condition[] {
  const { missing } = obedienceOf(workers, acknowledged, { sequence, at })
  const waitedMs = now.getTime() - Date.parse(at)
  const isCritical = waitedMs >= forcedMs && intent === 'paused'
  return missing.map((worker) =>
    condition(
      'intentUnacknowledged',
      { runId, backfill, worker },
      `${worker} has not said for ${Math.round(waitedMs / 1000)} s that it obeys "${intent}" (control sequence ${sequence})`,
      isCritical ? { severity: 'critical' } : {},
    ),
  )
}

/** Whether a cancel that this worker did not obey in time was carried out without it. */
export const isForced = ({ intent, at }: StandingIntent, now: Date, { forcedMs }: IntentPatience): boolean =>
  intent === 'cancelled' && now.getTime() - Date.parse(at) >= forcedMs

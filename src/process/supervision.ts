import type { z } from 'zod'
import type { Environment } from './config.ts'

/** How the supervisor looks, and from when on something is worth an alert. */
export interface Supervision {
  /** From one look to the next, at least. */
  readonly everyMs: number
  /** How long a difference must last before it is one. */
  readonly patienceMs: number
  /** Runs that ended so lately are looked at too, each so often at most. */
  readonly lookBackMs: number
  readonly endedEveryMs: number
  /** A worker that says nothing for so long, and is in no group, is lost. */
  readonly workerSilentMs: number
  /** A run of which nothing has moved for so long stands still. */
  readonly stalledMs: number
  /** So many times the median of the completed partitions, and at least so long, is slow. */
  readonly slowFactor: number
  readonly slowMs: number
  /** Events may wait so long to be recorded. */
  readonly ledgerLagMs: number
  /** Workers have so long to obey; and so long before what can be forced is. */
  readonly lateMs: number
  readonly forcedMs: number
  /** How long a condition must be gone before its alert is over. */
  readonly resolveAfterMs: number
}

export const supervisionOf = (values: z.infer<typeof Environment>): Supervision => ({
  everyMs: 500,
  patienceMs: values.TIDEMARK_PATIENCE_MS,
  lookBackMs: values.TIDEMARK_LOOK_BACK_MS,
  endedEveryMs: values.TIDEMARK_ENDED_EVERY_MS,
  workerSilentMs: values.TIDEMARK_WORKER_SILENT_MS,
  stalledMs: values.TIDEMARK_STALLED_MS,
  slowFactor: values.TIDEMARK_SLOW_FACTOR,
  slowMs: values.TIDEMARK_SLOW_MS,
  ledgerLagMs: values.TIDEMARK_LEDGER_LAG_MS,
  lateMs: values.TIDEMARK_INTENT_LATE_MS,
  forcedMs: values.TIDEMARK_INTENT_FORCED_MS,
  resolveAfterMs: values.TIDEMARK_ALERT_RESOLVE_MS,
})

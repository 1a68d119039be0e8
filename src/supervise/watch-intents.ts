import { messageOf } from '../contract/errors.ts'
import type { RunId, WorkerId } from '../contract/ids.ts'
import type { Log } from '../process/log.ts'
import { type Acknowledged, obedienceOf } from '../status/acknowledged.ts'

export interface WatchIntentsDeps {
  /** The workers of the group, now. */
  workers(): Promise<readonly WorkerId[]>
  acknowledged(run: RunId): Promise<readonly Acknowledged[]>
  now(): Date
  readonly log: Log
}

/** An intent as it stands. */
export interface StandingIntent {
  readonly runId: RunId
  readonly intent: string
  readonly sequence: number
  readonly at: string
}

/** Obeying takes one chunk; who needs longer than this is named. */
const patienceMs = 10_000

/** Names the workers that have not acknowledged an intent in good time, once an intent. */
export function createIntentWatch(deps: WatchIntentsDeps): (intents: readonly StandingIntent[]) => Promise<void> {
  const done = new Map<RunId, number>()
  return async (intents) => {
    const live = new Set(intents.map(({ runId }) => runId))
    for (const runId of done.keys()) if (!live.has(runId)) done.delete(runId)
    const late = intents.filter(
      ({ runId, sequence, at }) => done.get(runId) !== sequence && deps.now().getTime() - Date.parse(at) >= patienceMs,
    )
    if (late.length === 0) return
    try {
      const workers = await deps.workers()
      for (const intent of late) {
        const { missing } = obedienceOf(workers, await deps.acknowledged(intent.runId), intent)
        if (missing.length > 0)
          deps.log.warn({ ...intent, workers: missing }, 'an intent is not acknowledged by all workers of the group')
        done.set(intent.runId, intent.sequence)
      }
    } catch (error) {
      deps.log.warn({ error: messageOf(error) }, 'acknowledgements of intents are not known: looks again')
    }
  }
}

import type { ControlMessage, Intent } from '../contract/control.ts'
import { messageOf } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { Settings } from '../contract/settings.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import type { ControlFeed, OpenControlFeed } from './control-feed.ts'
import { createIntents } from './intents.ts'
import { pause } from './pause.ts'

export interface ObeyIntentsDeps {
  readonly openFeed: OpenControlFeed
  tell(events: readonly StatusEvent[]): Promise<void>
  readonly worker: string
  now(this: void): Date
  readonly mark?: Mark
  readonly log: Log
}

/** What a change of intent asks of the worker. */
export interface IntentHost {
  /** Resolves when nothing of the run is worked on any more that is not wanted; what is wanted again goes on. */
  obey(runId: RunId): Promise<void>
}

export interface ObeyedIntents extends Service {
  of(task: Pick<TaskMessage, 'runId' | 'partitionId'>): Intent
  /** What the run was tuned to. */
  settingsOf(runId: RunId): Settings
  /** Of the newest intent of the run; 0: nobody has ever wanted anything of it. */
  sequenceOf(runId: RunId): number
  /** Rejects when the control topic cannot be followed any more: the process must end and be restarted. */
  readonly failed: Promise<never>
}

/**
 * Follows the control topic, has the worker obey each change, and acknowledges it with an event when that is done.
 * Started means that the whole topic was read: before that no task may begin. A crash loses nothing, for the topic is
 * read again; the acknowledgement is told again then, as the same fact. Never writes an intent.
 */
export function obeyIntents(deps: ObeyIntentsDeps, host: IntentHost): ObeyedIntents {
  const { worker, log } = deps
  const intents = createIntents()
  const ended = new AbortController()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  let isStarted = false
  let reading: Promise<void> | undefined

  const acknowledge = async (
    { runId, backfill, sequence, intent }: ControlMessage,
    atStart: boolean,
  ): Promise<void> => {
    await host.obey(runId)
    await deps.mark?.('P1')
    const at = deps.now().toISOString()
    const type = 'intent.acknowledged'
    for (let delayMs = 100; !ended.signal.aborted; delayMs = Math.min(delayMs * 2, 5_000)) {
      // A later intent came meanwhile: its own acknowledgement says all that this one would.
      if (intents.newest(runId)?.sequence !== sequence) return
      try {
        await deps.tell([{ version: 1, type, at, runId, backfill, sequence, intent, worker, atStart }])
        log.info({ runId, sequence, intent }, 'intent obeyed')
        return
      } catch (error) {
        log.warn({ runId, sequence, error: messageOf(error) }, 'an obeyed intent is not acknowledged yet')
        await pause(delayMs, ended.signal)
      }
    }
  }

  const read = async (feed: ControlFeed): Promise<void> => {
    for await (const message of feed) {
      if ('ended' in message) intents.forget(message.ended)
      else if (intents.apply(message) && isStarted) void acknowledge(message, false)
    }
  }

  return {
    failed: failure.promise,
    of: ({ runId, partitionId }) => intents.of(runId, partitionId),
    settingsOf: (runId) => intents.settings(runId),
    sequenceOf: (runId) => intents.newest(runId)?.sequence ?? 0,
    start: async () => {
      const feed = await deps.openFeed(ended.signal)
      reading = read(feed).catch(failure.reject)
      await Promise.race([feed.caughtUp, failure.promise])
      isStarted = true
      for (const runId of intents.runs()) {
        const message = intents.newest(runId)
        if (message !== undefined) void acknowledge(message, true)
      }
    },
    stop: async () => {
      ended.abort()
      await reading
    },
  }
}

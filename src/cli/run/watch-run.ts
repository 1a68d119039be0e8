import type { RunId } from '../../contract/ids.ts'
import { isTerminalRun } from '../../contract/states.ts'
import type { StatusEvent } from '../../contract/status.ts'
import type { RunProgress } from '../../status/fold-run.ts'
import type { Answer, RunEvents } from '../../subscribe/watch-run.ts'
import { EndedWith, exitCodes } from '../exit-code.ts'

/** A run that somebody waits for. */
export interface RunWatch {
  /** Resolves with the run. Rejects with EndedWith (usage) when the request was rejected, with every reason. */
  readonly answered: Promise<{ readonly runId: RunId; readonly duplicate: boolean }>
  /** Resolves when the plan is made. */
  readonly planned: Promise<void>
  /** Resolves when the run has ended, with all that its events told; rejects when the events end before. */
  readonly ended: Promise<RunProgress>
  /** Undefined until the run is known. */
  progress(): RunProgress | undefined
}

/** Reads the events of a run until it has ended. */
export function watchRun(events: RunEvents, onEvent?: (event: StatusEvent) => void): RunWatch {
  const planned = Promise.withResolvers<void>()
  const read = async (): Promise<RunProgress> => {
    try {
      for await (const { event } of events) {
        if (event.type === 'run.planned') planned.resolve()
        onEvent?.(event)
      }
      const run = events.progress()
      if (run === undefined || !isTerminalRun(run.state)) throw new Error('nobody follows the run any more')
      return run
    } catch (error) {
      planned.reject(error)
      throw error
    }
  }
  const known = events.progress()?.runId
  const answered =
    known === undefined ? events.answered.then(acceptedRun) : Promise.resolve({ runId: known, duplicate: false })
  const ended = read()
  for (const promise of [answered, planned.promise, ended]) promise.catch(() => {})
  return { answered, planned: planned.promise, ended, progress: events.progress }
}

/** Throws EndedWith (usage) when there is none. */
function acceptedRun(answer: Answer): { readonly runId: RunId; readonly duplicate: boolean } {
  switch (answer.type) {
    case 'request.accepted':
    case 'request.duplicate':
      return { runId: answer.runId, duplicate: answer.type === 'request.duplicate' }
    case 'request.reported':
      throw new EndedWith(exitCodes.usage, `request "${answer.requestKey}" was a dry run: there is no run to wait for`)
    case 'request.rejected':
      throw new EndedWith(
        exitCodes.usage,
        `request "${answer.requestKey}" was rejected: ${answer.reasons.join('; ')}`,
        {
          reasons: answer.reasons,
        },
      )
  }
}

import type { CommandClient, LedgerReader } from '../../compose.ts'
import type { RunId } from '../../contract/ids.ts'
import type { StartRequest } from '../../contract/request.ts'
import { EndedWith } from '../exit-code.ts'
import type { OpenRequest } from './open-request.ts'
import { type RunWatch, watchRun } from './watch-run.ts'

export interface AskRunDeps {
  readonly client: CommandClient
  readonly ledger: Pick<LedgerReader, 'answerOf'>
  readonly open: OpenRequest
  /** Brings the sink into the form that a fresh run begins with. */
  prepare(): Promise<void>
  readonly note: (text: string) => void
  /** Ends the watching. */
  readonly signal: AbortSignal
}

/** Follows the run that an earlier start left unfinished: it goes on where its checkpoints are. */
export function resumeRun({ client, note, signal }: AskRunDeps, runId: RunId): RunWatch {
  note(`run ${runId} of an earlier start has not ended: it is resumed`)
  return watchRun(client.follow(runId, signal))
}

/**
 * Prepares the sink and produces the request; or produces again what an earlier start asked for and nobody answered.
 * A key that was answered before names a run that exists: its sink is left alone.
 */
export async function askRun(deps: AskRunDeps, wanted: StartRequest): Promise<RunWatch> {
  const { client, ledger, open, signal } = deps
  const isAnswered = async (request: StartRequest): Promise<boolean> =>
    (await ledger.answerOf(request.requestKey)) !== null
  const unanswered = open.earlier !== undefined && !(await isAnswered(open.earlier)) ? open.earlier : undefined
  const isFresh = unanswered === undefined && !(await isAnswered(wanted))
  if (isFresh) await deps.prepare()
  const request = unanswered ?? wanted
  open.remember(request)
  const watch = watchRun(await client.start(request, isFresh ? 'now' : 'beginning', signal))
  watch.answered.catch((error: unknown) => {
    // A rejected request is answered for good.
    if (error instanceof EndedWith) open.forget()
  })
  return watch
}

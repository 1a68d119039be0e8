import type { LedgerReader } from '../compose.ts'
import { RetryableError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { ArchiveRequest, IntentRequest, TuneRequest } from '../contract/request.ts'
import { readConfig } from '../process/config.ts'
import { type Obedience, obedienceOf } from '../status/acknowledged.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { obedienceText } from './intent-text.ts'
import { runUnknown } from './watch.ts'

export interface ChangeOptions {
  readonly wait?: true | undefined
  readonly timeout: number
  readonly json?: true | undefined
}

interface Done {
  readonly state: string
  readonly acknowledged: Obedience
}

/**
 * Produces a request about a run as any Kafka client would, and waits for the answer; with `wait` until `isDone`, which
 * by default is when every worker of the group obeys. `of`: what of the run, to a person.
 */
export async function askChange(
  context: CommandContext,
  request: IntentRequest | TuneRequest | ArchiveRequest,
  options: ChangeOptions,
  {
    of = `run ${request.runId}`,
    isDone = ({ acknowledged }) => acknowledged.missing.length === 0,
  }: { readonly of?: string; isDone?(done: Done): boolean } = {},
): Promise<void> {
  const stop = context.stopSignal()
  const { type, runId } = request
  const config = readConfig(withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
  const [{ connectClient, groupWorkers, openLedger }, { within }] = await Promise.all([
    import('../compose.ts'),
    import('./run/within.ts'),
  ])
  const ledger = await openLedger(config)
  const following = new AbortController()
  try {
    if ((await ledger.runIntent(runId)) === null) throw runUnknown(runId)
    const log = await createClientLog(context.env, config)
    const client = await connectClient(config, log)
    try {
      const { requestKey } = request
      const submitted = client.submit(request, { timeoutMs: options.timeout, signal: following.signal })
      const answer = await within(submitted, {
        stop,
        stopped: `stopped waiting; request "${requestKey}" stands on the topic`,
      })
      if (answer.type === 'request.rejected')
        throw new EndedWith(exitCodes.conflict, `rejected: ${answer.reasons.join('; ')}`, { reasons: answer.reasons })
      const told = { requestKey, runId, answer: answer.type.replace('request.', '') }
      if (options.wait !== true) {
        if (options.json) context.output.json(told)
        else context.output.data(`${type} of ${of} ${told.answer}`)
        return
      }
      const waited = until(ledger, runId, isDone, () => groupWorkers(config, log), following.signal)
      const done = await within(waited, {
        stop,
        stopped: `stopped waiting; the ${type} is in force all the same`,
        limitMs: options.timeout,
        late: () =>
          new RetryableError(
            'TIMED_OUT',
            `the ${type} is in force, but not obeyed everywhere yet: see "tidemark status ${runId}"`,
          ),
      })
      if (options.json) context.output.json({ ...told, ...done })
      else context.output.data(`run ${runId} ${done.state}, ${obedienceText(done.acknowledged)}`)
    } finally {
      following.abort()
      await client.close()
    }
  } finally {
    await ledger.close()
  }
}

/** Looks until it is done. */
async function until(
  ledger: LedgerReader,
  runId: RunId,
  isDone: (done: Done) => boolean,
  workers: () => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<Done> {
  const lookEveryMs = 200
  while (!signal.aborted) {
    const [found, members] = await Promise.all([ledger.runIntent(runId), workers()])
    if (found === null || found.intended === null) throw runUnknown(runId)
    const { sequence, changedAt: at, acknowledged } = found.intended
    const done = { state: found.state, acknowledged: obedienceOf(members, acknowledged, { sequence, at }) }
    if (isDone(done)) return done
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  throw new RetryableError('TIMED_OUT', 'nobody waits any more')
}

import type { Command } from '@commander-js/extra-typings'
import { RetryableError } from '../contract/errors.ts'
import type { RetryRequest, StartRequest } from '../contract/request.ts'
import { readConfig } from '../process/config.ts'
import type { RunProgress } from '../status/fold-run.ts'
import { noAnswer } from '../subscribe/watch-run.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseDurationMs, parseReprocess } from './parse-options.ts'
import { collect, reprocessText, startRequest } from './request.ts'

/** `tidemark submit`: produces a start request as any Kafka client would, and waits for the planner's answer. */
export function addSubmit(program: Command, context: CommandContext): void {
  program
    .command('submit')
    .description('ask for a run of a backfill, and wait for the answer')
    .argument('<backfill>', 'id of the definition')
    .option('--params <json>', 'params as one JSON object')
    .option('--param <name=value>', 'one param; may be given several times', collect)
    .option('--reprocess <what>', reprocessText, parseReprocess)
    .option(
      '--plan <id|file>',
      'only if planning still gives this plan: its id, or what "tidemark plan --json" printed',
    )
    .option('--follow', 'when it has completed, go on with the rows that came in above its bounds, and so on')
    .option('--follows <run>', 'begin above the bounds of this completed run')
    .option('--request-key <key>', 'name of this request: the same key and body are the same run for ever')
    .option('--wait', 'wait until the run has ended')
    .option('--timeout <duration>', 'how long to wait for the answer', parseDurationMs, 30_000)
    .option('--json', 'one JSON document on stdout')
    .action((backfill, options) => submit(context, startRequest(backfill, options, context.env['USER']), options))
}

export interface SubmitOptions {
  readonly wait?: true | undefined
  readonly timeout: number
  readonly json?: true | undefined
}

/** Produces a request for a run, and waits for the answer, or with `wait` for the end of the run. */
export async function submit(
  context: CommandContext,
  request: StartRequest | RetryRequest,
  options: SubmitOptions,
): Promise<void> {
  const stop = context.stopSignal()
  const config = readConfig(withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
  const [{ connectClient }, { watchRun }, { createProgressView }, { within }] = await Promise.all([
    import('../compose.ts'),
    import('./run/watch-run.ts'),
    import('./run/progress.ts'),
    import('./run/within.ts'),
  ])
  const client = await connectClient(config, await createClientLog(context.env, config))
  const following = new AbortController()
  const signal = AbortSignal.any([stop, following.signal])
  try {
    const watch = watchRun(await client.start(request, 'now', signal))
    const { requestKey } = request
    const { runId, duplicate } = await within(watch.answered, {
      stop,
      stopped: `stopped waiting; request "${requestKey}" stands on the topic`,
      limitMs: options.timeout,
      late: () => new RetryableError('TIMED_OUT', noAnswer(requestKey)),
    })
    const answer = { requestKey, runId, answer: duplicate ? 'duplicate' : 'accepted' }
    if (options.wait !== true) {
      if (options.json) context.output.json(answer)
      else context.output.data(runId)
      context.output.note(duplicate ? `run ${runId} was asked for before` : `accepted as run ${runId}`)
      return
    }
    const view = createProgressView(process.stderr, () => performance.now())
    // A run that was asked for before may be long under way, or over: its events stand on the topic.
    const followed = duplicate ? watchRun(client.follow(runId, signal)) : watch
    view.start(followed.progress)
    const ended = await within(followed.ended, { stop, stopped: `stopped waiting; run ${runId} goes on` }).finally(() =>
      view.stop(),
    )
    if (options.json) context.output.json({ ...answer, ...summaryOf(ended) })
    else context.output.data(`${runId} ${ended.state}`)
    throwUnlessCompleted(ended)
  } finally {
    following.abort()
    await client.close()
  }
}

function summaryOf(run: RunProgress): object {
  return {
    state: run.state,
    partitions: run.partitions,
    partitionsFailed: run.partitionsFailed,
    ...run.totals,
  }
}

/** Throws EndedWith (partitionsFailed) naming what failed. */
export function throwUnlessCompleted(run: RunProgress): void {
  if (run.state === 'completed') return
  const reasons = [
    ...(run.reason === null ? [] : [run.reason]),
    ...run.failures.slice(0, 10).map(({ index, message }) => `partition ${index}: ${message}`),
  ]
  throw new EndedWith(
    run.state === 'cancelled' ? exitCodes.cancelled : exitCodes.partitionsFailed,
    `run ${run.runId} ${run.state}, ${run.partitionsFailed} of ${run.partitions ?? '?'} partitions failed`,
    reasons.length === 0 ? {} : { reasons: [...reasons, 'see "tidemark status" for the others'] },
  )
}

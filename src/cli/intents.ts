import { createInterface } from 'node:readline/promises'
import type { Command } from '@commander-js/extra-typings'
import { v7 as uuidV7 } from 'uuid'
import type { LedgerReader } from '../compose.ts'
import { RetryableError } from '../contract/errors.ts'
import { PartitionId, type RunId } from '../contract/ids.ts'
import type { IntentRequest } from '../contract/request.ts'
import type { RequestAnswer, StatusEvent } from '../contract/status.ts'
import { readConfig } from '../process/config.ts'
import { obedienceOf } from '../status/acknowledged.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { obedienceText } from './intent-text.ts'
import { parseDurationMs } from './parse-options.ts'
import { parseRunId, runUnknown } from './watch.ts'

interface IntentOptions {
  readonly partition?: string | undefined
  readonly reason?: string | undefined
  readonly requestKey?: string | undefined
  readonly wait?: true | undefined
  readonly timeout: number
  readonly json?: true | undefined
}

const descriptions = {
  pause: 'stop a run, or one of its partitions, at the next chunk boundary, and keep its place',
  resume: 'let a paused run, or partition, go on where it stands',
  cancel: 'stop a run, or one of its partitions, for good; what is written stays',
} as const satisfies Record<IntentRequest['type'], string>

/** `tidemark pause`, `resume` and `cancel`: produce a request as any Kafka client would, and wait for the answer. */
export function addIntents(program: Command, context: CommandContext): void {
  for (const type of ['pause', 'resume'] as const)
    withOptions(program, type).action((run, options) => ask(context, type, parseRunId(run), options))
  withOptions(program, 'cancel')
    .option('--yes', 'do not ask whether it is meant')
    .action(async (run, options) => {
      const runId = parseRunId(run)
      if (options.yes !== true) await confirm(`Cancel ${options.partition ?? `run ${runId}`}? It is for good. [y/N] `)
      await ask(context, 'cancel', runId, options)
    })
}

function withOptions(program: Command, type: IntentRequest['type']) {
  return program
    .command(type)
    .description(descriptions[type])
    .argument('<run>', 'id of the run')
    .option('--partition <id>', 'only this partition')
    .option('--reason <text>', 'why, for the record')
    .option('--request-key <key>', 'name of this request: the same key and body get the same answer for ever')
    .option('--wait', type === 'cancel' ? 'wait until nothing of it is live any more' : 'wait until every worker obeys')
    .option(
      '--timeout <duration>',
      'how long to wait for the answer, and with --wait for the rest',
      parseDurationMs,
      30_000,
    )
    .option('--json', 'one JSON document on stdout')
}

async function ask(
  context: CommandContext,
  type: IntentRequest['type'],
  runId: RunId,
  options: IntentOptions,
): Promise<void> {
  const stop = context.stopSignal()
  const request = requestOf(type, runId, options, context.env['USER'])
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
      // Listening first: the answer must not come before somebody listens.
      const events = await client.follow('now', AbortSignal.any([stop, following.signal]))
      const sent = await client.submit(request)
      const answer = await within(answerTo(events, sent), {
        stop,
        stopped: `stopped waiting; request "${sent.requestKey}" stands on the topic`,
        limitMs: options.timeout,
        late: () =>
          new RetryableError(
            'TIMED_OUT',
            `request "${sent.requestKey}" stands on the topic and has no answer yet: is a planner running ("tidemark planner")?`,
          ),
      })
      if (answer.type === 'request.rejected')
        throw new EndedWith(exitCodes.conflict, `rejected: ${answer.reasons.join('; ')}`, { reasons: answer.reasons })
      const told = { requestKey: sent.requestKey, runId, answer: answer.type.replace('request.', '') }
      if (options.wait !== true) {
        if (options.json) context.output.json(told)
        else context.output.data(`${type} of ${options.partition ?? `run ${runId}`} ${told.answer}`)
        return
      }
      const isRunCancelled = type === 'cancel' && options.partition === undefined
      const waited = until(ledger, runId, isRunCancelled, () => groupWorkers(config, log), following.signal)
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

function requestOf(
  type: IntentRequest['type'],
  runId: RunId,
  { partition, reason, requestKey }: IntentOptions,
  user: string | undefined,
): IntentRequest {
  if (partition !== undefined && !PartitionId.safeParse(partition).success)
    throw new EndedWith(exitCodes.usage, `--partition "${partition}" is not the id of a partition, which is a UUID`)
  return {
    ...{ version: 1, type, runId, requestKey: requestKey ?? `${type}/${runId}/${uuidV7()}` },
    ...(partition === undefined ? {} : { partitionId: partition }),
    ...(reason === undefined ? {} : { reason }),
    ...(user === undefined || user === '' ? {} : { requestedBy: user }),
  }
}

async function answerTo(
  events: AsyncIterable<StatusEvent>,
  sent: { readonly requestKey: string; readonly requestHash: string },
): Promise<RequestAnswer> {
  for await (const event of events)
    if ('requestHash' in event && event.requestKey === sent.requestKey && event.requestHash === sent.requestHash)
      return event
  throw new RetryableError('TIMED_OUT', 'the status topic ended before the answer came')
}

type Done = { readonly state: string; readonly acknowledged: ReturnType<typeof obedienceOf> }

/** Looks until every worker of the group obeys the newest intent, or the run is cancelled. */
async function until(
  ledger: LedgerReader,
  runId: RunId,
  isRunCancelled: boolean,
  workers: () => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<Done> {
  const lookEveryMs = 200
  while (!signal.aborted) {
    const [found, members] = await Promise.all([ledger.runIntent(runId), workers()])
    if (found === null || found.intended === null) throw runUnknown(runId)
    const { state, intended } = found
    const acknowledged = obedienceOf(members, intended.acknowledged, intended)
    if (isRunCancelled ? state === 'cancelled' : acknowledged.missing.length === 0) return { state, acknowledged }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  throw new RetryableError('TIMED_OUT', 'nobody waits any more')
}

/** Never off a terminal: a script says --yes. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new EndedWith(exitCodes.usage, 'to cancel is for good: say --yes')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(question)
    if (!/^y(es)?$/i.test(answer.trim())) throw new EndedWith(exitCodes.usage, 'nothing was cancelled')
  } finally {
    lines.close()
  }
}

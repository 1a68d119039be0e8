import type { Command } from '@commander-js/extra-typings'
import { TerminalError } from '../contract/errors.ts'
import { RunId } from '../contract/ids.ts'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { throwUnlessCompleted } from './submit.ts'

/** `tidemark watch`: the events of a run as they happen, from its first one on, until it has ended. */
export function addWatch(program: Command, context: CommandContext): void {
  program
    .command('watch')
    .description('follow the status events of a run until it has ended')
    .argument('<run>', 'id of the run')
    .option('--json', 'every event as one line of JSON on stdout')
    .action(async (run, { json }) => {
      const stop = context.stopSignal()
      const runId = parseRunId(run)
      const config = readConfig(withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
      const [{ connectClient, openLedger }, { watchRun }, { createProgressView }, { within }] = await Promise.all([
        import('../compose.ts'),
        import('./run/watch-run.ts'),
        import('./run/progress.ts'),
        import('./run/within.ts'),
      ])
      const ledger = await openLedger(config)
      try {
        if ((await ledger.runSummary(runId)) === null) throw runUnknown(runId)
      } finally {
        await ledger.close()
      }
      const client = await connectClient(config, await createClientLog(context.env, config))
      const following = new AbortController()
      const view = createProgressView(process.stderr, () => performance.now())
      try {
        const events = client.follow(runId, AbortSignal.any([stop, following.signal]))
        const watch = watchRun(events, json ? context.output.json : undefined)
        if (!json) view.start(watch.progress)
        const ended = await within(watch.ended, { stop, stopped: `stopped watching; run ${runId} goes on` })
        view.stop()
        if (!json) context.output.data(`${runId} ${ended.state}`)
        throwUnlessCompleted(ended)
      } finally {
        view.stop()
        following.abort()
        await client.close()
      }
    })
}

/** Throws TerminalError (NOT_FOUND) when the text cannot be the id of a run. */
export function parseRunId(text: string): RunId {
  const id = RunId.safeParse(text)
  if (!id.success)
    throw new TerminalError('NOT_FOUND', `"${text}" is not the id of a run; "tidemark status" lists them`)
  return id.data
}

export const runUnknown = (runId: RunId): TerminalError =>
  new TerminalError('NOT_FOUND', `no run ${runId} is known here; "tidemark status" lists them`)

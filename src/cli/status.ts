import type { Command } from '@commander-js/extra-typings'
import { readConfig } from '../process/config.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { parseRunId, runUnknown } from './watch.ts'

/** `tidemark status`: what the ledger knows, about all runs or one. */
export function addStatus(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('list runs, newest first, or show one run')
    .argument('[run]', 'id of the run')
    .option('--json', 'one JSON document on stdout')
    .action(async (run, { json }) => {
      const runId = run === undefined ? undefined : parseRunId(run)
      const config = readConfig(withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
      const [{ openLedger }, { runTable, runsTable }] = await Promise.all([
        import('../compose.ts'),
        import('./status-tables.ts'),
      ])
      const ledger = await openLedger(config)
      try {
        if (runId === undefined) {
          const runs = await ledger.listRuns()
          if (json) context.output.json({ runs })
          else context.output.data(runsTable(runs))
          return
        }
        const summary = await ledger.runSummary(runId)
        if (summary === null) throw runUnknown(runId)
        if (json) context.output.json(summary)
        else context.output.data(runTable(summary))
      } finally {
        await ledger.close()
      }
    })
}

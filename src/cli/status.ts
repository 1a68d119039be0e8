import type { Command } from '@commander-js/extra-typings'
import { isTerminalRun } from '../contract/states.ts'
import type { Intended } from '../ledger/intent-queries.ts'
import { type Config, readConfig } from '../process/config.ts'
import { quietLog } from '../process/log.ts'
import { type Obedience, obedienceOf } from '../status/acknowledged.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { parseRunId, runUnknown } from './watch.ts'

/** `tidemark status`: what the ledger knows, about all runs or one. */
export function addStatus(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('list runs, newest first, or show one run')
    .argument('[run]', 'id of the run')
    .option('--all', 'list archived runs too')
    .option('--json', 'one JSON document on stdout')
    .action(async (run, { all, json }) => {
      const runId = run === undefined ? undefined : parseRunId(run)
      const config = readConfig(withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
      const [{ openLedger }, { runTable, runsTable }] = await Promise.all([
        import('../compose.ts'),
        import('./status-tables.ts'),
      ])
      const ledger = await openLedger(config)
      try {
        if (runId === undefined) {
          const runs = await ledger.listRuns(all === true)
          if (json) context.output.json({ runs })
          else context.output.data(runsTable(runs))
          return
        }
        const summary = await ledger.runSummary(runId)
        if (summary === null) throw runUnknown(runId)
        const { intended } = summary
        const acknowledged =
          intended === null || isTerminalRun(summary.state) ? null : await obedience(config, intended)
        if (json) context.output.json({ ...summary, acknowledged })
        else context.output.data(runTable(summary, acknowledged))
      } finally {
        await ledger.close()
      }
    })
}

/** Who obeys; null when Kafka cannot say who is in the group: the rest is worth knowing all the same. */
async function obedience(config: Config, intended: Intended): Promise<Obedience | null> {
  const { groupWorkers } = await import('../compose.ts')
  try {
    return obedienceOf(await groupWorkers(config, quietLog), intended.acknowledged, {
      sequence: intended.sequence,
      at: intended.changedAt,
    })
  } catch {
    return null
  }
}

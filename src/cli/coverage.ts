import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { countText } from './run/progress-text.ts'
import { parseRunId } from './watch.ts'

/** `tidemark coverage`: whether the completed partitions of a run tile its plan, and where they do not. */
export function addCoverage(program: Command, context: CommandContext): void {
  program
    .command('coverage')
    .description(
      'prove that the completed partitions of a run leave no gap and overlap nowhere; list where they do not',
    )
    .argument('<run>', 'id of the run')
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option('--json', 'one JSON document on stdout')
    .action(async (run, { definitions, json }) => {
      const runId = parseRunId(run)
      const config = readConfig({
        // Nothing is asked of a broker; the configuration as a whole wants one named.
        KAFKA_BROKERS: 'localhost:9092',
        ...withRunningSystem(context.env, context.cwd, ['DATABASE_URL']),
        ...(definitions === undefined ? {} : { TIDEMARK_DEFINITIONS: resolve(context.cwd, definitions) }),
      })
      const [{ coverageOf }, { flawText }] = await Promise.all([
        import('../compose.ts'),
        import('./certificate-text.ts'),
      ])
      const { partitions, completed, flaws } = await coverageOf(
        config,
        runId,
        await createClientLog(context.env, config),
      )
      if (json) context.output.json({ runId, partitions, completed, complete: flaws.length === 0, flaws })
      else
        context.output.data(
          [
            `${countText(completed)} of ${countText(partitions)} partitions completed: ${
              flaws.length === 0
                ? 'they tile the plan, without a gap and without an overlap'
                : `${countText(flaws.length)} flaws`
            }`,
            ...flaws.map(flawText),
          ].join('\n'),
        )
      if (flaws.length > 0)
        throw new EndedWith(
          exitCodes.checkFailed,
          `run ${runId} does not cover its plan: ${countText(flaws.length)} flaws`,
        )
    })
}

import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseCount, parseParams, parseReprocess } from './parse-options.ts'
import { collect, reprocessText } from './request.ts'

/** `tidemark plan`: what a start request would do, and what it would take, without doing it. */
export function addPlan(program: Command, context: CommandContext): void {
  program
    .command('plan')
    .description('show what a run of a backfill would do and how long it would take, touching nothing')
    .argument('<backfill>', 'id of the definition')
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option('--params <json>', 'params as one JSON object')
    .option('--param <name=value>', 'one param; may be given several times', collect)
    .option('--reprocess <what>', reprocessText, parseReprocess)
    .option('--workers <count>', 'workers to reckon with', parseCount(1, 10_000), 1)
    .option('--no-probe', 'do not try chunks: no forecast of the time')
    .option('--all', 'list every partition, not only the largest')
    .option('--detailed-exitcode', `exit ${exitCodes.conflict} when the run would have to wait now`)
    .option('--json', 'one JSON document on stdout')
    .action(async (backfill, options) => {
      const signal = context.stopSignal()
      const params = parseParams(options.params, options.param ?? [])
      const config = readConfig({
        // Nothing is asked of a broker; the configuration as a whole wants one named.
        KAFKA_BROKERS: 'localhost:9092',
        ...withRunningSystem(context.env, context.cwd, ['DATABASE_URL']),
        ...(options.definitions === undefined
          ? {}
          : { TIDEMARK_DEFINITIONS: resolve(context.cwd, options.definitions) }),
      })
      const [{ dryRunOf }, { planText }] = await Promise.all([import('../compose.ts'), import('./plan-text.ts')])
      const { reprocess = 'all' } = options
      const workers = options.probe ? { count: options.workers, slots: config.slots } : null
      const lists = options.all === true ? 'all' : 'largest'
      const log = await createClientLog(context.env, config)
      const report = await dryRunOf(config, backfill, { params, reprocess, lists, workers }, log, signal)
      if (options.json) context.output.json(report)
      else context.output.data(planText(report))
      if (options.detailedExitcode === true && report.conflicts.length > 0)
        throw new EndedWith(exitCodes.conflict, report.conflicts.join('; '))
    })
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { parseAsOf } from '../ledger/as-of.ts'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseSchema } from './parse-options.ts'

/** `tidemark ledger rebuild`: the ledger again, from the status topic alone. `tidemark ledger` by itself is the role. */
export function addLedgerCommands(ledger: CommandUnknownOpts, context: CommandContext): void {
  ledger
    .command('rebuild')
    .description('write the ledger anew from the status topic, as of now or of another moment, and compare its hash')
    .requiredOption('--into <schema>', 'schema of the control database; it must have no ledger in it', parseSchema)
    .option(
      '--as-of <offsets|time>',
      'only what was told before: a time such as 2026-01-31T12:00:00Z, or the next offset of each topic partition, ' +
        'such as 0:120,1:98 (of those that are not named nothing is read)',
    )
    .option('--json', 'one JSON document on stdout')
    .action(async ({ into, asOf, json }) => {
      const stop = context.stopSignal()
      const place = asOf === undefined ? null : parseAsOf(asOf)
      const config = readConfig(withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
      const [{ rebuildLedger }, { createProgressLine }, { rebuiltJson, rebuiltText, rebuildingText }, { within }] =
        await Promise.all([
          import('../compose.ts'),
          import('./progress-line.ts'),
          import('./rebuilt-text.ts'),
          import('./run/within.ts'),
        ])
      const log = await createClientLog(context.env, config)
      const line = createProgressLine(process.stderr, () => performance.now())
      const rebuilding = rebuildLedger(
        config,
        { into, asOf: place, signal: stop, told: (records, of) => line.show(rebuildingText(records, of)) },
        log,
      )
      const stopped = `stopped; schema "${into}" holds a part of the ledger: drop it before another try`
      const rebuilt = await within(rebuilding, { stop, stopped }).finally(() => line.end())
      if (json) context.output.json(rebuiltJson(into, rebuilt))
      else context.output.data(rebuiltText(into, rebuilt))
      if (rebuilt.live.equal === false)
        throw new EndedWith(
          exitCodes.checkFailed,
          `the live ledger in schema "${config.schema}" is not what the topic says: ${rebuilt.live.tables.join(', ')} differ`,
        )
    })
}

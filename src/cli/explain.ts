import type { Command } from '@commander-js/extra-typings'
import { parsePartitionRef } from '../explain/partition-ref.ts'
import { readConfig } from '../process/config.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'

/** `tidemark explain`: what happened to a partition, and why it is late or failed. */
export function addExplain(program: Command, context: CommandContext): void {
  program
    .command('explain')
    .description('say what happened to a partition, and why it is late or failed')
    .argument('<partition>', 'its id, or RUN/INDEX')
    .option('--json', 'one JSON document on stdout, with the whole history')
    .action(async (partition, { json }) => {
      const ref = parsePartitionRef(partition)
      const config = readConfig({
        // The ledger is all that is asked; the configuration as a whole wants brokers named.
        KAFKA_BROKERS: 'localhost:9092',
        ...withRunningSystem(context.env, context.cwd, ['DATABASE_URL']),
      })
      const [{ explain }, { explanationText }] = await Promise.all([
        import('../compose.ts'),
        import('./explain-text.ts'),
      ])
      const explanation = await explain(config, ref, new Date())
      if (json) context.output.json(explanation)
      else context.output.data(explanationText(explanation))
    })
}

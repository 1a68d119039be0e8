import type { Command } from '@commander-js/extra-typings'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'

/** `tidemark offsets`: the committed offsets of the workers, with the checkpoints in their metadata, for a person. */
export function addOffsets(program: Command, context: CommandContext): void {
  program
    .command('offsets')
    .description('decode the committed offsets of a worker group: lanes, lag, and the tasks in their metadata')
    .option('--group <id>', 'consumer group (default: the workers of this system)')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ group, json }) => {
      const config = readConfig({
        // Offsets need no database; the configuration as a whole wants one named.
        DATABASE_URL: 'postgres://localhost/not-used-here',
        ...withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS']),
      })
      const [{ groupOffsets }, { offsetsTable }] = await Promise.all([
        import('../compose.ts'),
        import('./offsets-table.ts'),
      ])
      const offsets = await groupOffsets(config, group, await createClientLog(context.env, config))
      if (json) context.output.json(offsets)
      else context.output.data(offsetsTable(offsets))
    })
}

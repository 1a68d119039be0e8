import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { readConfig } from '../process/config.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'

/** `tidemark schedules`: what runs by itself, when next, and what became of it last. */
export function addSchedules(program: Command, context: CommandContext): void {
  program
    .command('schedules')
    .description('list the definitions that run by themselves: when next, and what became of the last run')
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ definitions, json }) => {
      const config = readConfig({
        ...withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL']),
        ...(definitions === undefined ? {} : { TIDEMARK_DEFINITIONS: resolve(context.cwd, definitions) }),
      })
      const [{ schedulesOf }, { schedulesTable }] = await Promise.all([
        import('../compose.ts'),
        import('./schedules-table.ts'),
      ])
      const schedules = await schedulesOf(config, new Date())
      if (json) context.output.json({ schedules })
      else context.output.data(schedulesTable(schedules))
    })
}

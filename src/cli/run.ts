import type { Command } from '@commander-js/extra-typings'
import { mostSlots } from '../process/config.ts'
import type { CommandContext } from './context.ts'
import { parseCount, parseDurationMs } from './parse-options.ts'
import { collect } from './request.ts'

/** `tidemark run`: one backfill from nothing to a verified end, on this machine. `npm start` is this. */
export function addRun(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('start everything on this machine, run a backfill, verify what stands in the sink, and stop')
    .argument('<backfill>', 'id of the definition')
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option('--params <json>', 'params as one JSON object')
    .option('--param <name=value>', 'one param; may be given several times', collect)
    .option('--request-key <key>', 'name of the request: the same key and body are the same run for ever')
    .option('--workers <n>', 'worker processes', parseCount(1, 64), 2)
    .option('--slots <n>', 'partitions a worker works on at the same time', parseCount(1, mostSlots))
    .option(
      '--kill-every <duration>',
      'kill a random worker this often while the run works, and start another',
      parseDurationMs,
    )
    .option(
      '--prepare <file.sql>',
      'SQL that prepares the sink of a fresh run (default: BACKFILL.prepare.sql beside the definitions)',
    )
    .option('--registry', 'start a schema registry too: messages in Confluent wire format')
    .option('--keep', 'stay up for more requests when the run has ended')
    .option('--json', 'the report as one JSON document on stdout')
    .action(async (backfill, options) => {
      const { runMainJob } = await import('./run/main-job.ts')
      await runMainJob(context, backfill, options)
    })
}

import type { Command } from '@commander-js/extra-typings'
import { mostSlots } from '../process/config.ts'
import type { CommandContext } from './context.ts'
import { claimDevFolder } from './dev-folder.ts'
import { parseCount } from './parse-options.ts'

/** `tidemark up`: everything on this machine, until a signal. */
export function addUp(program: Command, context: CommandContext): void {
  program
    .command('up')
    .description('start servers, topics and all roles on this machine, and keep them running until a signal')
    .option('--workers <n>', 'worker processes', parseCount(0, 64), 2)
    .option('--slots <n>', 'partitions a worker works on at the same time', parseCount(1, mostSlots))
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option('--registry', 'start a schema registry too: messages in Confluent wire format')
    .option('--json', 'the environment as one JSON document on stdout')
    .action(async (options) => {
      const stop = context.stopSignal()
      const { output } = context
      const dev = claimDevFolder(context.cwd, 'tidemark up')
      const [{ startLocalSystem, whenAborted }, { createPhases }, { createParentLog }, { within }] = await Promise.all([
        import('./run/local-system.ts'),
        import('./run/phases.ts'),
        import('./run/parent-log.ts'),
        import('./run/within.ts'),
      ])
      const phases = createPhases(() => performance.now())
      const log = await createParentLog(context, dev)
      output.note('starting servers')
      try {
        const system = await startLocalSystem({ context, dev, log, phases, note: output.note }, options, stop)
        try {
          await phases.measure('rolesMs', () =>
            within(system.startRoles().all, { stop, stopped: 'stopped before all roles served' }),
          )
          dev.announce(system.env)
          if (options.json) output.json(system.env)
          else for (const [name, value] of Object.entries(system.env)) output.data(`export ${name}='${value}'`)
          output.note(
            `up with ${options.workers} workers after ${phases.totalMs()} ms; logs are in ${dev.logs}; Ctrl-C stops everything`,
          )
          await whenAborted(stop)
          output.note('stopping')
        } finally {
          await system.stop()
        }
      } finally {
        dev.release()
      }
    })
}

import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { Role } from '../compose.ts'
import { type Config, mostSlots, readConfig } from '../process/config.ts'
import type { Parent } from '../process/parent.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { addLedgerCommands } from './ledger.ts'
import { parseCount } from './parse-options.ts'

const descriptions = {
  planner: 'answer requests, pin bounds, freeze plans, publish tasks',
  worker: 'process partitions: read, transform, write, checkpoint',
  ledger: 'record status events in Postgres',
  supervisor: 'compare plan, ledger, offsets and sink, and repair differences',
} as const satisfies Record<Role, string>

/** The roles, each a process of its own: any number of each, any of them may be killed at any time. */
export function addRoles(program: Command, context: CommandContext, parent: Parent | undefined): void {
  for (const role of ['planner', 'ledger', 'supervisor'] as const) {
    const command = program
      .command(role)
      .description(`${descriptions[role]}, until a signal`)
      .option(
        '--definitions <folder>',
        'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)',
      )
      .action((options) => runOne(role, configOf(context, options), context, parent))
    if (role === 'ledger') addLedgerCommands(command, context)
  }
  program
    .command('worker')
    .description(`${descriptions.worker}, until a signal`)
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option(
      '--worker-id <id>',
      'stable name of this worker: a restart keeps it (default: $TIDEMARK_WORKER_ID or host and process)',
    )
    .option('--slots <n>', 'partitions at the same time (default: $TIDEMARK_SLOTS or 2)', parseCount(1, mostSlots))
    .action((options) => runOne('worker', configOf(context, options), context, parent))
}

interface RoleOptions {
  readonly definitions?: string | undefined
  readonly workerId?: string | undefined
  readonly slots?: number | undefined
}

function configOf(context: CommandContext, options: RoleOptions): Config {
  const env = withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS', 'DATABASE_URL'])
  return readConfig({
    ...env,
    ...(options.definitions === undefined ? {} : { TIDEMARK_DEFINITIONS: resolve(context.cwd, options.definitions) }),
    ...(options.workerId === undefined ? {} : { TIDEMARK_WORKER_ID: options.workerId }),
    ...(options.slots === undefined ? {} : { TIDEMARK_SLOTS: String(options.slots) }),
  })
}

async function runOne(role: Role, config: Config, context: CommandContext, parent: Parent | undefined): Promise<void> {
  const stop = context.stopSignal()
  const [{ composeRole }, { createLog }, { runRole }] = await Promise.all([
    import('../compose.ts'),
    import('../process/logger.ts'),
    import('../process/run-role.ts'),
  ])
  const fields = role === 'worker' ? { role, worker: config.workerId } : { role }
  const log = await createLog({ level: config.logLevel, fields })
  await runRole(() => composeRole(role, config, log), stop, parent, log)
}

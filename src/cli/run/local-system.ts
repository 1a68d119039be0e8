import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Role } from '../../compose.ts'
import { type Config, readConfig } from '../../process/config.ts'
import type { Log } from '../../process/log.ts'
import type { CommandContext } from '../context.ts'
import { type DevFolder, sharedEnv } from '../dev-folder.ts'
import { EndedWith, exitCodes } from '../exit-code.ts'
import type { Phases } from './phases.ts'
import { createRoleProcesses, type RoleProcesses } from './role-processes.ts'

export interface LocalSystemOptions {
  readonly workers: number
  readonly slots?: number | undefined
  /** Whether a schema registry is started too. */
  readonly registry?: boolean | undefined
  /** Folder of the definition files; default: what the environment says. */
  readonly definitions?: string | undefined
}

/** Both reject when a role will never serve. */
export interface StartingRoles {
  /** Requests are answered from here on. */
  readonly planner: Promise<void>
  readonly all: Promise<void>
}

/** Servers, topics and roles of one machine, as children of this process: whatever happens to it, they end too. */
export interface LocalSystem {
  readonly config: Config
  /** Its addresses, and what else another terminal needs. */
  readonly env: Readonly<Record<string, string>>
  readonly processes: RoleProcesses
  startRoles(): StartingRoles
  /** Ends everything, workers first, servers last. */
  stop(): Promise<void>
}

export interface LocalSystemDeps {
  readonly context: CommandContext
  readonly dev: DevFolder
  readonly log: Log
  readonly phases: Phases
  readonly note: (text: string) => void
}

/** Starts the servers and brings the topics into their declared form. Throws EndedWith (interrupted) when the signal aborts meanwhile. */
export async function startLocalSystem(
  { context, dev, log, phases, note }: LocalSystemDeps,
  options: LocalSystemOptions,
  signal: AbortSignal,
): Promise<LocalSystem> {
  const { startStack } = await import('../../stack/start-stack.ts')
  // Loaded while the servers start: neither waits for the other.
  const composing = import('../../compose.ts')
  const starting = startStack({
    dir: dev.folder,
    want: { kafka: true, postgres: true, registry: options.registry === true },
    env: context.env,
    log: (line) => note(withoutPassword(line)),
    signal,
  })
  const stack = await phases
    .measure('stackMs', () => starting)
    .catch((error: unknown) => {
      stopIf(signal)
      throw error
    })
  let processes: RoleProcesses | undefined
  const stop = async (): Promise<void> => {
    await processes?.stop()
    await stack.stop()
  }
  try {
    const env: NodeJS.ProcessEnv = {
      ...context.env,
      KAFKA_BROKERS: stack.kafkaBrokers?.join(','),
      DATABASE_URL: stack.databaseUrl,
      SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl ?? context.env['SCHEMA_REGISTRY_URL'],
      TIDEMARK_DEFINITIONS: definitionsFolderOf(context, options),
      ...(options.slots === undefined ? {} : { TIDEMARK_SLOTS: String(options.slots) }),
    }
    const config = readConfig(env)
    const { applyTopics, evictMember } = await composing
    stopIf(signal)
    await phases.measure('topicsMs', () => applyTopics(config, log))
    stopIf(signal)
    const kept = createRoleProcesses({
      entry: context.entry,
      logs: dev.logs,
      note,
      evict: (workerId) => evictMember(config, workerId, log),
    })
    processes = kept
    const keep = (name: string, role: Role, args: readonly string[] = []): Promise<void> => {
      // Each start of the system has logs of its own.
      rmSync(join(dev.logs, `${name}.log`), { force: true })
      return kept.keep({ name, role, args, env })
    }
    return {
      config,
      env: sharedEnv(env),
      processes: kept,
      startRoles: () => {
        const workers = Array.from({ length: options.workers }, (_, index) => `worker-${index + 1}`)
        const planner = keep('planner', 'planner')
        // Whoever waits for one of them may have given up by then.
        planner.catch(() => {})
        const others = [
          keep('ledger', 'ledger'),
          keep('supervisor', 'supervisor'),
          ...workers.map((name) => keep(name, 'worker', ['--worker-id', name])),
        ]
        return { planner, all: Promise.all([planner, ...others]).then(() => {}) }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** An address from the environment may carry one, and what is said on a terminal may be kept in a log. */
const withoutPassword = (line: string): string => line.replace(/(:\/\/[^:@/\s]+):[^@/\s]+@/g, '$1:***@')

/** Absolute: roles are started with it, and other terminals may stand elsewhere. */
export function definitionsFolderOf({ env, cwd }: CommandContext, options: LocalSystemOptions): string {
  return resolve(cwd, options.definitions ?? (env.TIDEMARK_DEFINITIONS || './backfills'))
}

/** Throws EndedWith (interrupted) when somebody asked to stop. */
export function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw new EndedWith(exitCodes.interrupted, 'stopped by a signal')
}

export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

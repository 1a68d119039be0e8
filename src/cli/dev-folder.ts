import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { lookUpProcess } from '../stack/process-table.ts'

/** What a running `tidemark up` or `run` leaves for the commands of other terminals. */
const Running = z.object({
  pid: z.int(),
  /** When that process began: with the number, its identity. */
  startedAtMs: z.number(),
  /** What started it, for the message to whoever comes second. */
  command: z.string(),
  /** Empty until the servers answer. */
  env: z.record(z.string(), z.string()),
})
type Running = z.infer<typeof Running>

/** Variables that another terminal needs to talk to the same system. */
const shared = [
  'KAFKA_BROKERS',
  'DATABASE_URL',
  'SCHEMA_REGISTRY_URL',
  'TIDEMARK_TOPIC_PREFIX',
  'TIDEMARK_SCHEMA',
  'TIDEMARK_DEFINITIONS',
] as const

export interface DevFolder {
  readonly folder: string
  readonly logs: string
  /** Tells other terminals where the system is. Written for the owner only: a connection string may hold a password. */
  announce(env: Readonly<Record<string, string | undefined>>): void
  release(): void
}

export const devFolderOf = (cwd: string): string => join(cwd, '.tidemark', 'dev')

/** Of an environment, what another terminal needs to talk to the same system. */
export function sharedEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(shared.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}

/** Takes the folder for this process. Throws TerminalError (TARGET_BUSY) while another one has it. */
export function claimDevFolder(cwd: string, command: string): DevFolder {
  const folder = devFolderOf(cwd)
  const file = join(folder, 'env.json')
  const holder = readRunning(file)
  if (holder !== undefined && holder.pid !== process.pid && isAlive(holder))
    throw new TerminalError(
      'TARGET_BUSY',
      `"${holder.command}" (process ${holder.pid}) has ${folder}: use it with "tidemark submit", or stop it first`,
    )
  const logs = join(folder, 'logs')
  mkdirSync(logs, { recursive: true })
  const startedAtMs = lookUpProcess(process.pid)?.startedAtMs ?? 0
  const write = (env: Record<string, string>): void => {
    const running: Running = { pid: process.pid, startedAtMs, command, env }
    writeFileSync(`${file}.new`, JSON.stringify(running), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  write({})
  return {
    folder,
    logs,
    announce: (env) => write(sharedEnv(env)),
    release: () => rmSync(file, { force: true }),
  }
}

/**
 * The environment with what is missing filled in from a running `tidemark up` of this folder.
 * Throws TerminalError (CONFIG_INVALID) when a variable of `needed` is neither set nor found there.
 */
export function withRunningSystem(
  env: NodeJS.ProcessEnv,
  cwd: string,
  needed: readonly ('KAFKA_BROKERS' | 'DATABASE_URL')[],
): NodeJS.ProcessEnv {
  const isSet = (name: string): boolean => Boolean(env[name] ?? env[`${name}_FILE`])
  const missing = needed.filter((name) => !isSet(name))
  if (missing.length === 0) return env
  const found = runningEnv(cwd)
  if (found === undefined || missing.some((name) => found[name] === undefined))
    throw new TerminalError(
      'CONFIG_INVALID',
      `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not set, and no "tidemark up" runs in ${cwd}: ` +
        'start one there, or set the variables',
    )
  return { ...env, ...Object.fromEntries(Object.entries(found).filter(([name]) => !isSet(name))) }
}

/** What a running `tidemark up` of this folder says; undefined when none runs. */
export function runningEnv(cwd: string): Readonly<Record<string, string>> | undefined {
  const running = readRunning(join(devFolderOf(cwd), 'env.json'))
  return running !== undefined && isAlive(running) ? running.env : undefined
}

function readRunning(file: string): Running | undefined {
  try {
    return Running.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Whether the process that wrote the file still runs; another one that got its number meanwhile is not it. */
function isAlive({ pid, startedAtMs }: Running): boolean {
  const found = lookUpProcess(pid)
  // The kernel's idea of when a process began moves by a second with the clock.
  return found !== undefined && Math.abs(found.startedAtMs - startedAtMs) <= 2_000
}

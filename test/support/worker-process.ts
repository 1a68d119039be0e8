import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type RoleExit, type RoleProcess, startRoleProcess } from '../../src/cli/run/role-process.ts'
import { eventually } from './eventually.ts'
import type { SmallBackfill } from './small-backfill.ts'

const entry = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

export interface LogLine {
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** A worker as `tidemark up` would keep it, on a log of its own. */
export interface WorkerProcess {
  readonly id: string
  readonly process: RoleProcess
  readonly exited: Promise<RoleExit>
  /** Lines of its log with this message. */
  lines(msg: string): LogLine[]
  /** Waits until it has claimed this many lanes, all in all. Returns when it had, by its own clock. */
  claimed(lanes: number, timeoutMs?: number): Promise<number>
  signal(signal: NodeJS.Signals): void
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<RoleExit>
}

let started = 0

/** Starts a worker of the small backfill; it is killed when the test has ended. */
export function startWorker(small: SmallBackfill, id: string, more: NodeJS.ProcessEnv = {}): WorkerProcess {
  started += 1
  const logFile = join(small.folder, `${id}-${started}.log`)
  const child = startRoleProcess({
    name: id,
    role: 'worker',
    args: ['--worker-id', id, '--definitions', small.folder],
    env: { ...small.env, ...more },
    entry,
    logFile,
  })
  onTestFinished(() => {
    child.kill()
  })
  const lines = (msg: string): LogLine[] =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine)
      .filter((line) => line.msg === msg)
  const lastClaim = (lanes: number): number | undefined => {
    let sum = 0
    for (const line of lines('lanes claimed')) {
      sum += Number(line['lanes'])
      if (sum >= lanes) return Date.parse(line.time)
    }
    return undefined
  }
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined) process.kill(child.pid, name)
  }
  return {
    id,
    process: child,
    exited: child.exited,
    lines,
    claimed: (lanes, timeoutMs = 30_000) =>
      eventually(`${id} claimed ${lanes} lanes`, () => Promise.resolve(lastClaim(lanes)), timeoutMs),
    signal,
    stop: () => {
      signal('SIGTERM')
      return child.exited
    },
  }
}

/** Everything but workers, until the test has ended. */
export async function startWithoutWorkers(small: SmallBackfill): Promise<void> {
  const up = small.tidemark('up', '--definitions', '.', '--workers', '0', '--json')
  await eventually('the system is up', () => Promise.resolve(up.stdout().endsWith('}\n') || undefined), 40_000)
  const { child } = up
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  await small.query(readFileSync(join(small.folder, 'small.prepare.sql'), 'utf8'))
}

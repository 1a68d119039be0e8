import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const entry = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

/** The command line as a process of its own, as a user starts it. */
export interface TidemarkProcess {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  stdout(): string
  stderr(): string
}

export function startTidemark(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): TidemarkProcess {
  const child = spawn(process.execPath, [entry, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  return {
    child,
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr }))),
    stdout: () => stdout,
    stderr: () => stderr,
  }
}

/** Processes whose command line names this folder or that are children of `pid`, without zombies: what a start left behind. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid)
}

export const isRunning = (pid: number): boolean => parentOf(pid) !== undefined

/** Undefined for a process that has ended, reaped or not. */
function parentOf(pid: number): number | undefined {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return state === 'Z' ? undefined : Number(parent)
  } catch {
    return undefined
  }
}

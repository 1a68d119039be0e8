// Runs a server as a child under guard.sh: however this process ends, the server ends within 5 s of it.
// Writes the server's output to <folder>/<name>.log and its process id to <folder>/<name>.pid.
// Never signals the child itself: that would reach the guarding shell only.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { untilReady } from './until-ready.ts'

// Handed to the shell as text: a server's user may not be allowed to read this folder.
const guard = readFileSync(new URL('./guard.sh', import.meta.url), 'utf8')

export interface Guarded {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** What asks the server to end in order. */
  readonly signal: 'TERM' | 'INT'
  readonly graceSeconds: number
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** The user to run as, when it must be another one. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
}

export interface GuardedProcess {
  /** Resolves with the exit code or signal. */
  readonly exited: Promise<number | string>
  /** Resolves when `probe` does; rejects when the process has exited, at an abort, or after a minute. */
  ready(probe: () => Promise<void>, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export function startGuarded(guarded: Guarded): GuardedProcess {
  const { name, command, signal, graceSeconds, folder, env, owner } = guarded
  mkdirSync(folder, { recursive: true })
  const logFile = logFileOf(guarded)
  const log = openSync(logFile, 'a')
  const args = ['-c', guard, 'guard.sh', signal, String(graceSeconds), join(folder, `${name}.pid`), ...command]
  // Detached: Ctrl-C goes to the terminal's whole group, and the workers must end before their servers.
  const child = spawn('/bin/sh', args, { stdio: ['pipe', log, log], detached: true, cwd: folder, env, ...owner })
  closeSync(log)
  child.stdin?.on('error', () => {}) // the guard was first to go
  let over: number | string | undefined
  const exited = new Promise<number | string>((resolve) => {
    const end = (how: number | string): void => {
      over ??= how
      resolve(over)
    }
    child.once('error', (error) => end(error.message))
    child.once('exit', (code, killedBy) => end(code ?? killedBy ?? 'an unknown signal'))
  })
  return {
    exited,
    async ready(probe, abort) {
      const inVain = (): string | undefined =>
        over === undefined ? undefined : `ended with ${over} before it was ready${lastWords(logFile)}`
      await untilReady(name, probe, { signal: abort, inVain })
    },
    async stop() {
      if (!child.stdin?.writableEnded) child.stdin?.end('stop\n')
      await exited
    },
  }
}

/** Runs a command that ends by itself. Rejects when it fails, and at an abort, once it has ended. */
export async function runGuarded(guarded: Guarded, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const process = startGuarded(guarded)
  const stop = (): void => void process.stop()
  signal.addEventListener('abort', stop, { once: true })
  const how = await process.exited
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (how !== 0) throw new Error(`${guarded.name} ended with ${how}${lastWords(logFileOf(guarded))}`)
}

const logFileOf = ({ folder, name }: Guarded): string => join(folder, `${name}.log`)

/** Where the log is, and how it ends. */
function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-3)
  return `; its log is ${logFile}, which ends:\n${lines.join('\n')}`
}

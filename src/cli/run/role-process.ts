import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Role } from '../../compose.ts'
import { ChildMessage } from '../../process/parent.ts'
import { EndedWith, exitCodes, isExitCode } from '../exit-code.ts'
import { heapFlagsOf } from './heap-flags.ts'

export interface RoleLaunch {
  readonly name: string
  readonly role: Role
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** The file of the command line. */
  readonly entry: string
  /** Receives what the process says. */
  readonly logFile: string
}

export interface RoleExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What the process said it died of, when it could. */
  readonly failure: EndedWith | undefined
}

export interface RoleProcess {
  readonly pid: number | undefined
  /** Resolves when it serves; never, when it ends before that. */
  readonly ready: Promise<void>
  readonly exited: Promise<RoleExit>
  /** The last it told: peak resident memory, and rows it took from sources. */
  usage(): { readonly peakRssMb: number; readonly rowsRead: number }
  kill(): void
  /** Asks it to stop; when it has not within `graceMs`, ends it. Resolves when it has ended. */
  stop(graceMs: number): Promise<void>
}

/** Starts one role as an operating system process of its own, on the same Node and with the same flags as this one. */
export function startRoleProcess({ role, args, env, entry, logFile }: RoleLaunch): RoleProcess {
  const log = openSync(logFile, 'a')
  const given = [...process.execArgv, env['NODE_OPTIONS'] ?? ''].join(' ')
  const child = spawn(process.execPath, [...process.execArgv, ...heapFlagsOf(role, given), entry, role, ...args], {
    env,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const ready = Promise.withResolvers<void>()
  const exited = Promise.withResolvers<RoleExit>()
  let usage = { peakRssMb: 0, rowsRead: 0 }
  let failure: EndedWith | undefined
  child.on('message', (raw) => {
    const parsed = ChildMessage.safeParse(raw)
    if (!parsed.success) return
    const message = parsed.data
    if ('ready' in message) ready.resolve()
    else if ('failed' in message) {
      const { exitCode, message: text, reasons } = message.failed
      failure = new EndedWith(
        isExitCode(exitCode) ? exitCode : exitCodes.bug,
        text,
        reasons.length > 0 ? { reasons } : {},
      )
    } else
      usage = {
        peakRssMb: Math.max(usage.peakRssMb, message.rssMb),
        rowsRead: Math.max(usage.rowsRead, message.rowsRead ?? 0),
      }
  })
  child.on('error', (error) => {
    failure ??= new EndedWith(exitCodes.bug, `the ${role} process could not be started`, { cause: error })
    // Without a process there is no exit to wait for.
    if (child.pid === undefined) exited.resolve({ code: null, signal: null, failure })
  })
  // After 'close' of the channel every message it sent has been read.
  let gone: RoleExit | undefined
  const settle = (): void => {
    if (gone !== undefined && !child.connected) exited.resolve({ ...gone, failure })
  }
  child.on('disconnect', settle)
  child.on('exit', (code, signal) => {
    gone = { code, signal, failure }
    settle()
  })
  return {
    pid: child.pid,
    ready: ready.promise,
    exited: exited.promise,
    usage: () => usage,
    kill: () => void child.kill('SIGKILL'),
    stop: async (graceMs) => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited.promise
      clearTimeout(timer)
    },
  }
}

/** How it ended, as one clause. */
export function exitText({ code, signal, failure }: RoleExit): string {
  if (failure !== undefined) return `ended: ${failure.message}`
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}

/** The last lines of a log, for when its writer can no longer be asked. */
export function tailOf(file: string, lines: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { lookUpProcess } from './process-table.ts'

const Holder = z.object({ pid: z.int(), startedAtMs: z.number() })
type Holder = z.infer<typeof Holder>

const leftoversLimitMs = 6_000
const heldHere = new Set<string>()

/**
 * Takes a folder of server data for this process; the answer gives it back. The lock of a process that was killed is
 * taken over, once the servers it left are gone. Throws TerminalError (STACK_UNAVAILABLE) while another one is alive.
 */
export async function lockFolder(folder: string, signal: AbortSignal): Promise<() => void> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'stack.lock')
  const busy = (pid: number): TerminalError =>
    new TerminalError(
      'STACK_UNAVAILABLE',
      `the servers in ${folder} belong to process ${pid}, which is alive: stop it, or use another folder`,
    )
  if (heldHere.has(folder)) throw busy(process.pid)
  const self: Holder = { pid: process.pid, startedAtMs: lookUpProcess(process.pid)?.startedAtMs ?? 0 }
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(self), { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = readHolder(file)
    if (holder !== undefined && isAlive(holder)) throw busy(holder.pid)
    rmSync(file, { force: true })
  }
  heldHere.add(folder)
  const release = (): void => {
    heldHere.delete(folder)
    if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true })
  }
  try {
    await leftoversGone(folder, signal)
    // Two that took over the same stale lock at once: the later one has it.
    const holder = readHolder(file)
    if (holder?.pid !== process.pid) throw busy(holder?.pid ?? 0)
    return release
  } catch (error) {
    release()
    throw error
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined // cut short by a kill, or released just now
  }
}

function isAlive({ pid, startedAtMs }: Holder): boolean {
  if (pid === process.pid) return false // an earlier process that had our id: ours are in `heldHere`
  const found = lookUpProcess(pid)
  // The kernel's idea of when a process started moves by a second with the clock.
  return found !== undefined && Math.abs(found.startedAtMs - startedAtMs) <= 2_000
}

/** Servers of a killed process need a moment to end; two on the same data would ruin it. */
async function leftoversGone(folder: string, signal: AbortSignal): Promise<void> {
  for (const deadline = Date.now() + leftoversLimitMs; ; await sleep(50, undefined, { signal })) {
    const alive = pidFiles(folder).flatMap((file) => {
      const pid = readPid(file)
      const command = pid > 0 ? lookUpProcess(pid)?.command : undefined
      return command !== undefined && /java|postgres|initdb/.test(command) ? [`${pid} (${command})`] : []
    })
    if (alive.length === 0) return
    if (Date.now() > deadline)
      throw new TerminalError(
        'STACK_UNAVAILABLE',
        `servers of an earlier process still run on ${folder}: end process ${alive.join(', ')} by hand`,
      )
  }
}

function readPid(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0 // its server has just ended
  }
}

const pidFiles = (folder: string): string[] =>
  globSync('*/*.pid', { cwd: folder, exclude: ['*/postmaster.pid'] }).map((file) => join(folder, file))

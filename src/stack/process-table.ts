import { execFileSync } from 'node:child_process'

export interface ProcessEntry {
  /** When it started: with the process id, the identity of a process across reuse of ids. */
  readonly startedAtMs: number
  readonly command: string
}

/** What runs under a process id; undefined when nothing does, or only a zombie nobody reaps (a container without init). */
export function lookUpProcess(pid: number): ProcessEntry | undefined {
  let line: string
  try {
    line = execFileSync('ps', ['-o', 'stat=,lstart=,comm=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    }).trim()
  } catch (error) {
    // ps says with its exit code that there is no such process; without ps, the kernel says at least that much.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && isAlive(pid)
      ? { startedAtMs: 0, command: '' }
      : undefined
  }
  const [, state = '', started = '', command = ''] = /^(\S+)\s+(\S+ \S+ +\d+ \S+ \d+)\s+(.*)$/.exec(line) ?? []
  return state === '' || state.startsWith('Z') ? undefined : { startedAtMs: Date.parse(started), command }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

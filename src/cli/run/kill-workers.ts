import { setTimeout as sleep } from 'node:timers/promises'
import type { RoleProcesses } from './role-processes.ts'

/** SIGKILLs a worker chosen by `random` every `everyMs`, until the signal: what a run has to withstand. */
export async function killWorkers(
  processes: Pick<RoleProcesses, 'workers' | 'kill'>,
  everyMs: number,
  random: () => number,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const workers = processes.workers()
    const victim = workers[Math.floor(random() * workers.length)]
    if (victim !== undefined && processes.kill(victim)) note(`killed ${victim}`)
  }
}

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EndedWith, exitCodes } from '../exit-code.ts'
import { failuresAfter, restartDelayMs } from './restart-delay.ts'
import { exitText, type RoleLaunch, type RoleProcess, startRoleProcess, tailOf } from './role-process.ts'

const stopGraceMs = 15_000
/** Deaths before the first sign of life after which a process is given up. */
const hopelessAfter = 3

export interface RoleProcessesDeps {
  readonly entry: string
  readonly logs: string
  readonly note: (text: string) => void
  /** Frees the lanes of a worker that died, so that the others go on at once. */
  readonly evict: (workerId: string) => Promise<unknown>
}

export type RoleSpec = Pick<RoleLaunch, 'name' | 'role' | 'args' | 'env'>

export interface Usage {
  readonly peakWorkerRssMb: number
  /** Rows that all worker processes took from sources, the dead ones as far as they told. */
  readonly rowsRead: number
  readonly kills: number
  /** Processes started in place of one that ended. */
  readonly restarts: number
}

/** The roles of one local system: each kept alive until `stop`. Nothing of it survives this process. */
export interface RoleProcesses {
  /** Starts a role and keeps it. Resolves when it serves; rejects when it never will. */
  keep(spec: RoleSpec): Promise<void>
  /** Names of the workers with a process now. */
  workers(): readonly string[]
  /** SIGKILLs a role's process; another takes its place. False when it has none at the moment. */
  kill(name: string): boolean
  usage(): Usage
  /** Asks all to stop, workers first, and waits until they have ended. */
  stop(): Promise<void>
}

export function createRoleProcesses({ entry, logs, note, evict }: RoleProcessesDeps): RoleProcesses {
  const running = new Map<string, RoleProcess>()
  const specs = new Map<string, RoleSpec>()
  const keepers: Promise<void>[] = []
  const workers = new Set<RoleProcess>()
  const killed = new Set<RoleProcess>()
  const stopping = new AbortController()
  let restarts = 0

  const keepAlive = async (spec: RoleSpec, first: PromiseWithResolvers<void>): Promise<void> => {
    const logFile = join(logs, `${spec.name}.log`)
    let [failures, served] = [0, false]
    while (!stopping.signal.aborted) {
      const beganMs = performance.now()
      const child = startRoleProcess({ ...spec, entry, logFile })
      running.set(spec.name, child)
      if (spec.role === 'worker') workers.add(child)
      void child.ready.then(() => {
        served = true
        first.resolve()
      })
      const exit = await child.exited
      running.delete(spec.name)
      if (stopping.signal.aborted) return
      if (spec.role === 'worker' && exit.failure?.exitCode === exitCodes.conflict) {
        // Started again it would be the later life, and end the other one in turn.
        note(`${spec.name} ended and is not started again: ${exit.failure.message}`)
        first.reject(exit.failure)
        return
      }
      if (killed.has(child)) failures = 0
      else {
        failures = failuresAfter(failures, performance.now() - beganMs)
        if (!served && (isHopeless(exit.failure) || failures >= hopelessAfter)) {
          if (exit.failure === undefined) note(tailOf(logFile, 20))
          first.reject(
            exit.failure ?? new Error(`${spec.name} ${exitText(exit)} before it served; its log is ${logFile}`),
          )
          return
        }
        note(`${spec.name} ${exitText(exit)}; it is started again`)
        if (exit.code !== 0 && exit.failure === undefined) note(tailOf(logFile, 20))
      }
      restarts += 1
      await Promise.all([
        spec.role === 'worker' ? evict(spec.name).catch(() => {}) : Promise.resolve(),
        sleep(restartDelayMs(failures), undefined, { signal: stopping.signal }).catch(() => {}),
      ])
    }
  }

  return {
    keep(spec) {
      const first = Promise.withResolvers<void>()
      specs.set(spec.name, spec)
      keepers.push(keepAlive(spec, first).catch(first.reject))
      return first.promise
    },
    workers: () => [...running.keys()].filter((name) => specs.get(name)?.role === 'worker'),
    kill(name) {
      const child = running.get(name)
      if (child === undefined || killed.has(child)) return false
      killed.add(child)
      child.kill()
      return true
    },
    usage: () => ({
      peakWorkerRssMb: Math.max(0, ...[...workers].map((child) => Math.round(child.usage().peakRssMb))),
      rowsRead: [...workers].reduce((rows, child) => rows + child.usage().rowsRead, 0),
      kills: killed.size,
      restarts,
    }),
    async stop() {
      stopping.abort()
      const end = (these: (role: string) => boolean): Promise<unknown> => {
        const chosen = [...running].filter(([name]) => these(specs.get(name)?.role ?? ''))
        return Promise.all(chosen.map(([, child]) => child.stop(stopGraceMs)))
      }
      await end((role) => role === 'worker')
      await end((role) => role !== 'worker')
      await Promise.all(keepers)
    },
  }
}

/** What is written wrong stays wrong, however often it is read. */
const isHopeless = (failure: EndedWith | undefined): boolean =>
  failure?.exitCode === exitCodes.usage || failure?.exitCode === exitCodes.notFound

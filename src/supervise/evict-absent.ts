import { messageOf } from '../contract/errors.ts'
import type { WorkerId } from '../contract/ids.ts'
import type { Pool } from '../postgres/pool.ts'
import { presenceKeys, presentKeys } from '../postgres/presence.ts'
import type { Log } from '../process/log.ts'
import { repeatedly } from '../process/repeatedly.ts'
import type { Service } from '../process/service.ts'
import type { StatusLog } from '../status/status-log.ts'
import { type Absence, absencesSince, longAbsent } from './absences.ts'
import { repairMade } from './repairs.ts'

const lookEveryMs = 500

/** Of the worker group. */
interface Member {
  readonly worker: WorkerId
  readonly memberId: string
}

export interface EvictAbsentDeps {
  readonly pool: Pool
  /** Under which a worker is present. */
  presenceOf(this: void, worker: WorkerId): string
  /** Takes those of the worker group's members out of it that are chosen. Returns those that were. */
  evict(this: void, chosen: (members: readonly Member[]) => Promise<readonly Member[]>): Promise<readonly Member[]>
  readonly status: StatusLog
  now(this: void): Date
  readonly log: Log
}

/**
 * Takes workers whose processes are gone out of the worker group, so that others have their lanes in seconds and not when
 * a session has ended, which a broker that was restarted meanwhile would begin anew. Who is gone is told by Postgres: the
 * session that held the worker's presence has ended, and no other one holds it. A worker that was never present is left
 * alone. One that lives and is taken for dead loses its lanes and joins again: fences keep what it does exact. All
 * supervisors look; only the one whose request removed a member tells it.
 */
export function createEvictAbsent(deps: EvictAbsentDeps): Service {
  const { pool, presenceOf, evict, status, now, log } = deps
  let absences = new Map<string, Absence>()
  let hadFailed = false

  /** Those of the members whose presence is not there now: one that came back under its id before it joined is. */
  const stillAbsent = async (absent: ReadonlySet<string>, members: readonly Member[]): Promise<readonly Member[]> => {
    const keys = await presenceKeys(
      pool,
      members.map(({ worker }) => presenceOf(worker)),
    )
    const present = await presentKeys(pool)
    return members.filter((_, at) => {
      const key = keys[at] ?? ''
      return absent.has(key) && !present.has(key)
    })
  }
  const tell = (evicted: readonly Member[]): Promise<void> => {
    const message = 'its process is gone: it was taken out of the worker group, and others have its lanes'
    return status
      .publish(evicted.map(({ worker }) => repairMade('workerEvicted', { worker }, message, now())))
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'could not tell that workers were evicted'))
  }
  const evictAbsent = async (absent: ReadonlySet<string>): Promise<void> => {
    try {
      const evicted = await evict((members) => stillAbsent(absent, members))
      for (const key of absent) absences.delete(key)
      // While a broker is away the next one is not kept waiting for this.
      if (evicted.length > 0) void tell(evicted)
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'absent workers are still in the worker group: tries again')
    }
  }
  return repeatedly({
    everyMs: lookEveryMs,
    what: 'who is absent is not known',
    log,
    act: async () => {
      try {
        const present = await presentKeys(pool)
        absences = absencesSince(absences, present, hadFailed, performance.now())
        hadFailed = false
      } catch (error) {
        hadFailed = true
        throw error
      }
      const absent = longAbsent(absences, performance.now())
      if (absent.size > 0) await evictAbsent(absent)
      return false
    },
  })
}

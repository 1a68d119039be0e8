import { messageOf } from '../contract/errors.ts'
import type { Client, Pool } from '../postgres/pool.ts'
import type { Log } from '../process/log.ts'

/** Who of many is active: the one whose session holds an advisory lock. */
export interface Leadership {
  /** Takes the lead when nobody has it. True while this process has it. Rejects when Postgres cannot be asked. */
  held(): Promise<boolean>
  /** Lets another one take over; twice is harmless. */
  resign(): Promise<void>
}

/** A leader that says nothing for so long is stopped, and the server ends its session: another one takes over within 10 s. */
const silentMs = 8_000
const signEveryMs = 2_000

/**
 * Leadership by a lock of a session of its own: it goes with the connection, so a process that dies or is cut off
 * loses it without anybody's help. A former leader may believe in it until its next look; whatever leaders do must
 * therefore be harmless when done twice.
 */
export function createLeadership(pool: Pool, name: string, log: Log): Leadership {
  let session: Client | undefined
  let signs: NodeJS.Timeout | undefined
  const keep = (client: Client): void => {
    session = client
    // Without a listener a lost connection would end the process; the next look finds it lost.
    client.on('error', (error) => log.warn({ error: messageOf(error) }, 'the connection that holds the lead was lost'))
  }
  const drop = (): void => {
    clearInterval(signs)
    session?.release(true)
    session = undefined
  }
  const take = async (): Promise<boolean> => {
    const client = await pool.connect()
    keep(client)
    const { rows } = await client.query<{ held: boolean }>(
      `select pg_try_advisory_lock(hashtextextended($1, 0)) as held,
              set_config('idle_session_timeout', '${silentMs}', false) as limited`,
      [name],
    )
    if (rows[0]?.held === true) {
      // Also while a look takes long. What is lost is found by the next one that asks.
      signs = setInterval(() => void client.query('select 1').catch(() => {}), signEveryMs)
      return true
    }
    drop()
    return false
  }
  return {
    held: async () => {
      try {
        if (session === undefined) return await take()
        await session.query('select 1')
        return true
      } catch (error) {
        drop()
        throw error
      }
    },
    resign: async () => drop(),
  }
}

import { messageOf } from '../contract/errors.ts'
import type { Log } from '../process/log.ts'
import { repeatedly } from '../process/repeatedly.ts'
import type { Service } from '../process/service.ts'
import { type Client, type Pool, query } from './pool.ts'

/** What is taken again after a lost connection only when it is asked for; a loss that is noticed is mended at once. */
const signEveryMs = 1_000

/**
 * Lets others see that this process lives: a shared advisory lock of a session of its own. It goes with the connection, so
 * the server knows at once of a process that was killed. A lock that is lost is taken again. Takes one connection of the
 * pool from `start` to `stop`, and keeps nobody waiting: without Postgres it is not there, and tries again.
 */
export function createPresence(pool: Pool, name: string, log: Log): Service {
  let session: Client | undefined
  let taking: Promise<void> | undefined
  const drop = (): void => {
    session?.release(true)
    session = undefined
  }
  const take = async (): Promise<void> => {
    const client = await pool.connect()
    // Without a listener a lost connection would end the process.
    client.on('error', () => {
      if (session !== client) return
      drop()
      signs.soon()
    })
    session = client
    await client.query(
      `select pg_advisory_lock_shared(hashtextextended($1, 0)), set_config('idle_session_timeout', '0', false)`,
      [name],
    )
  }
  const signs = repeatedly({
    everyMs: signEveryMs,
    what: 'others cannot see that this process lives',
    log,
    act: async () => {
      try {
        await (session === undefined ? take() : session.query('select 1'))
      } catch (error) {
        drop()
        throw error
      }
      return false
    },
  })
  return {
    // Whoever sees it in the group sees it here.
    start: async () => {
      taking ??= take().catch((error: unknown) => {
        drop()
        log.warn({ error: messageOf(error) }, 'others cannot see yet that this process lives')
      })
      await taking
      await signs.start()
    },
    stop: async () => {
      await signs.stop()
      drop()
    },
  }
}

/** A key of each name that is present now; others may hold such locks too, and their keys are among them. */
export async function presentKeys(pool: Pool): Promise<ReadonlySet<string>> {
  const { rows } = await query<{ key: string }>(pool, presentSql)
  return new Set(rows.map(({ key }) => key))
}

/** The key of each name, in their order. */
export async function presenceKeys(pool: Pool, names: readonly string[]): Promise<readonly string[]> {
  const { rows } = await query<{ key: string }>(
    pool,
    'select hashtextextended(name, 0)::text as key from unnest($1::text[]) with ordinality as given(name, at) order by at',
    [names],
  )
  return rows.map(({ key }) => key)
}

// A lock's one key of 64 bits is told in halves.
const presentSql = `
  select distinct ((classid::bigint << 32) | objid::bigint)::text as key
    from pg_locks
   where locktype = 'advisory' and objsubid = 1 and mode = 'ShareLock' and granted
     and database = (select oid from pg_database where datname = current_database())`

import { backendOf, type Client, type Pool, query, withClient } from '../postgres/pool.ts'

const lookEveryMs = 5_000

/**
 * Runs a statement that waits for a row, and ends the sessions it waits for when they have waited for their own client
 * in the middle of a COPY longer than the lease. A process that was frozen there would keep its locks for ever: none of
 * the server's time limits counts while it reads COPY data. What such a session wrote is rolled back.
 */
export async function pastFrozenHolders<T>(
  pool: Pool,
  leaseMs: number,
  act: (client: Client) => Promise<T>,
): Promise<T> {
  return withClient(pool, async (client) => {
    let looking = Promise.resolve()
    const timer = setInterval(
      () => {
        // A look that fails is made again; the statement itself tells whether the server can be reached.
        looking = query(pool, evictSql, [backendOf(client), leaseMs]).then(
          () => {},
          () => {},
        )
      },
      Math.min(leaseMs, lookEveryMs),
    )
    try {
      return await act(client)
    } finally {
      clearInterval(timer)
      await looking
    }
  })
}

const evictSql = `
  select pg_terminate_backend(a.pid)
    from unnest(pg_blocking_pids($1)) as blocking(pid)
    join pg_stat_activity a using (pid)
   where a.state = 'active' and a.wait_event = 'ClientRead'
     and clock_timestamp() - a.state_change > $2 * interval '1 millisecond'`

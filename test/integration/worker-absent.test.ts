// Risk: the lanes of a killed worker wait for its session, or a worker that lives is taken out of the group.
import { expect, onTestFinished, test } from 'vitest'
import { presenceOf } from '../../src/compose/presence-name.ts'
import { readConfig } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { createSmallBackfill } from '../support/small-backfill.ts'
import { startWithoutWorkers, startWorker } from '../support/worker-process.ts'

const sessionTimeoutMs = 120_000

test('the lanes of a killed worker run elsewhere long before its session ends; one that was only cut off keeps its own', async () => {
  const rows = 20_000
  const small = await createSmallBackfill({ rows, rowGroupRows: 1_000, chunkRows: 250, pauseMs: 500 })
  onTestFinished(small.close)
  const env = { TIDEMARK_SESSION_TIMEOUT_MS: String(sessionTimeoutMs) }
  Object.assign(small.env, env)
  await startWithoutWorkers(small)
  const stays = startWorker(small, 'worker-2')
  await stays.claimed(48)
  const dies = startWorker(small, 'worker-1')
  await dies.claimed(24)
  const submitted = small.tidemark('submit', 'small', '--wait', '--json')
  await eventually('the run is under way', async () => (await small.sink()).rows > 1_000 || undefined)

  const schema = small.env['TIDEMARK_SCHEMA'] ?? ''
  const evicted = async (): Promise<(string | null)[]> => {
    const told = await small.query<{ worker: string | null }>(
      `select event -> 'about' ->> 'worker' as worker from ${schema}.ledger_event
        where type = 'repair.made' and event ->> 'kind' = 'workerEvicted'`,
    )
    return told.map(({ worker }) => worker)
  }
  // The one that stays loses sight of the server once.
  const name = presenceOf(readConfig(small.env), 'worker-2')
  const cut = await small.query(
    `select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`,
    [name],
  )
  expect(cut).toHaveLength(1)

  const killedMs = Date.now()
  dies.signal('SIGKILL')
  expect((await stays.claimed(72, sessionTimeoutMs / 2)) - killedMs).toBeLessThan(sessionTimeoutMs / 4)
  const { code, stderr } = await submitted.ended
  expect(code, stderr).toBe(0)
  expect(await small.sink()).toEqual({ rows, distinct: rows, wrong: 0 })
  await eventually('it is told', async () => (await evicted()).length > 0 || undefined)
  expect(await evicted()).toEqual(['worker-1'])
  expect((await stays.stop()).code).toBe(0)
}, 180_000)

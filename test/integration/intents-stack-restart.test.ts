// Risk: a paused run forgets that it is paused, or where it stands, when servers and all start anew.
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { startTidemark, type TidemarkProcess } from '../support/tidemark-process.ts'

interface System {
  readonly process: TidemarkProcess
  readonly pool: pg.Pool
  /** SIGTERM, and until servers and all have ended. */
  stop(): Promise<void>
}

/** `tidemark up` with servers of its own, whose data stands in the folder. */
async function up(small: SmallBackfill): Promise<System> {
  const process = here(small, 'up', '--definitions', '.', '--workers', '2', '--json')
  await eventually(
    'the system is up',
    async () => {
      if (process.child.exitCode !== null) throw new Error(process.stderr())
      return process.stdout().endsWith('}\n') || undefined
    },
    90_000,
  )
  const { DATABASE_URL } = JSON.parse(process.stdout()) as Record<string, string>
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 2 })
  // The server goes away under the pool's idle connections.
  pool.on('error', () => {})
  const stop = async (): Promise<void> => {
    await pool.end()
    process.child.kill('SIGTERM')
    await process.ended
  }
  return { process, pool, stop }
}

/** Of the folder alone: no servers are known but those that are started in it. */
const here = (small: SmallBackfill, ...args: string[]): TidemarkProcess =>
  startTidemark(args, small.folder, { PATH: small.env.PATH, HOME: small.env.HOME })

test('a paused run is still paused when the whole stack comes back, and goes on where it stood', async () => {
  const small = await createSmallBackfill({ rows: 40_000, rowGroupRows: 2_000, chunkRows: 500, pauseMs: 1_000 })
  onTestFinished(() => small.close())
  // Under root the server runs as another user, who must be able to enter.
  chmodSync(small.folder, 0o755)
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await here(small, ...args).ended
    expect(code, `tidemark ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
    return stdout.trim()
  }
  const table = /create table (\S+)/.exec(readFileSync(join(small.folder, 'small.prepare.sql'), 'utf8'))?.[1] ?? ''
  const chunks = async ({ pool }: System): Promise<number> =>
    Number((await pool.query<{ n: string }>('select count(*) as n from tidemark.chunk')).rows[0]?.n)

  const before = await up(small)
  onTestFinished(() => void before.process.child.kill('SIGTERM'))
  await before.pool.query(readFileSync(join(small.folder, 'small.prepare.sql'), 'utf8'))
  const runId = await command('submit', 'small')
  await eventually(
    'some chunks',
    async () =>
      ((await before.pool.query('select to_regclass($1) as found', ['tidemark.chunk'])).rows[0]?.found !== null &&
        (await chunks(before)) >= 4) ||
      undefined,
  )
  await command('pause', runId, '--wait')
  const written = await chunks(before)
  expect(written).toBeLessThan(80)
  await before.stop()

  const after = await up(small)
  onTestFinished(() => void after.process.child.kill('SIGTERM'))
  try {
    expect(JSON.parse(await command('status', runId, '--json'))).toMatchObject({
      state: 'paused',
      intent: 'paused',
      intended: { sequence: 1 },
      acknowledged: { by: 2, of: 2 },
    })
    expect(await chunks(after)).toBe(written)
    expect(await command('resume', runId, '--wait')).toContain('acknowledged by 2 of 2 workers')
    await command('watch', runId)
    const { rows } = await after.pool.query(
      `select count(*)::int as rows, count(distinct position)::int as distinct,
              count(*) filter (where amount <> position * 3)::int as wrong from ${table}`,
    )
    expect(rows).toEqual([{ rows: 40_000, distinct: 40_000, wrong: 0 }])
    expect(await chunks(after)).toBe(80)
  } finally {
    await after.stop()
  }
}, 240_000)

// Risk: with real roles, of which one is killed, rows of a table that grows are left out or copied twice.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { logged, prepareSmall, startRoles } from '../support/roles.ts'
import { createSmallBackfill } from '../support/small-backfill.ts'

const batches = 4
const perBatch = 300

test('a table that grows is copied whole by runs that follow each other, and by one that a clock asks for', async () => {
  const small = await createSmallBackfill({ rows: 10, rowGroupRows: 10, chunkRows: 10 })
  onTestFinished(small.close)
  small.env['TIDEMARK_FOLLOW_EVERY_MS'] = '500'
  const schema = small.env['TIDEMARK_SCHEMA']
  const definition = (id: string, more: string): void =>
    writeFileSync(
      join(small.folder, `${id}.backfill.yaml`),
      `
id: ${id}
source: { kind: postgres.table, table: ${schema}_sink.orders, key: id }
columns: { id: bigint, name: text }
partitionBy: { by: key, column: id, size: 100 }
sink: { kind: postgres.upsert, table: ${schema}_sink.${id}, key: [id] }
${more}
`,
    )
  definition('grows', 'follow: true')
  definition('yearly', "schedule: { every: '0 3 1 1 *', timezone: Europe/Berlin, catchUp: 1 }")
  await prepareSmall(small)
  for (const table of ['orders', 'grows', 'yearly'])
    await small.query(`create table ${schema}_sink.${table} (id bigint primary key, name text not null)`)
  let rows = 0
  const add = async (): Promise<void> => {
    await small.query(
      `insert into ${schema}_sink.orders select n, 'order ' || n from generate_series(${rows}, ${rows + perBatch - 1}) n`,
    )
    rows += perBatch
  }
  await add()
  const roles = await startRoles(small, ['worker-1'])
  const second = small.tidemark('planner', '--definitions', '.')
  await logged(second, 'ready')
  onTestFinished(() => roles.kill())

  const submitted = await small.tidemark('submit', 'grows', '--request-key', 'first').ended
  expect(submitted.code, submitted.stderr).toBe(0)
  const copied = (): Promise<true> =>
    eventually(
      `${rows} rows are copied`,
      async () => {
        const [row] = await small.query<{ n: string }>(`select count(*) as n from ${schema}_sink.grows`)
        return Number(row?.n) === rows ? true : undefined
      },
      60_000,
    )
  await copied()
  for (let batch = 1; batch < batches; batch += 1) {
    await add()
    // Whichever leads: one of the two planners dies in the middle of the chain.
    if (batch === 2) second.child.kill('SIGKILL')
    await copied()
  }
  // What stands in the sink is told a little later.
  await eventually('all runs are completed', async () => {
    const [row] = await small.query<{ n: string }>(
      `select count(*) as n from ${schema}.run where backfill = 'grows' and state <> 'completed'`,
    )
    return row?.n === '0' ? true : undefined
  })
  const runs = await small.query<{ id: string; follows: string | null; from: string; to: string }>(
    `select id, follows, range->>'from' as "from", range->>'to' as "to" from ${schema}.run
      where backfill = 'grows' order by accepted_at`,
  )
  expect(runs.length).toBeGreaterThanOrEqual(batches)
  for (const [n, run] of runs.entries())
    expect([run.follows, run.from]).toEqual(n === 0 ? [null, '0'] : [runs[n - 1]?.id, runs[n - 1]?.to])
  expect(runs.at(-1)?.to).toBe(String(rows))
  const [facts] = await small.query<{ wrong: string; written: string }>(
    `select (select count(*) from ${schema}_sink.grows g full join ${schema}_sink.orders o using (id)
              where g.name is distinct from o.name) as wrong,
            (select sum(rows_written) from ${schema}.ledger_partition where backfill = 'grows') as written`,
  )
  expect(facts).toEqual({ wrong: '0', written: String(rows) })

  const shown = await small.tidemark('status', runs[1]?.id ?? '').ended
  expect(shown.stdout).toContain(`follows      ${runs[0]?.id}`)
  expect(shown.stdout).toContain(`followed by  ${runs[2]?.id}`)

  // As if no planner had been there since 2020.
  await small.query(`update ${schema}.schedule set handled = '2020-01-01T02:00:00Z' where backfill = 'yearly'`)
  const listed = await eventually(
    'the yearly run is completed',
    async () => {
      const told = await small.tidemark('schedules', '--definitions', '.', '--json').ended
      const { schedules } = JSON.parse(told.stdout) as { schedules: { last: { state: string } | null }[] }
      return schedules[0]?.last?.state === 'completed' ? schedules : undefined
    },
    60_000,
  )
  expect(listed).toMatchObject([{ backfill: 'yearly', every: '0 3 1 1 *', timezone: 'Europe/Berlin' }])
  const [yearly] = await small.query<{ runs: string; copied: string }>(
    `select (select count(*) from ${schema}.run where backfill = 'yearly') as runs,
            (select count(*) from ${schema}_sink.yearly) as copied`,
  )
  expect(yearly).toEqual({ runs: '1', copied: String(rows) })
  const [event] = await small.query<{ event: object }>(
    `select event from ${schema}.ledger_event where type = 'schedule.skipped'`,
  )
  expect(event?.event).toMatchObject({ backfill: 'yearly', from: '2021-01-01T02:00:00.000Z' })
  const table = await small.tidemark('schedules', '--definitions', '.').ended
  expect(table.stdout).toMatch(/yearly +0 3 1 1 \* +Europe\/Berlin +\S+T02:00:00.000Z +\S+ +completed/)
}, 240_000)

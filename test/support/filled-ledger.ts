import type { RunId } from '../../src/contract/ids.ts'
import { alertsOfStatement, openAlertsStatement } from '../../src/ledger/query/alerts.ts'
import { contradictionsStatement } from '../../src/ledger/query/contradictions.ts'
import { listStatement } from '../../src/ledger/query/list-runs.ts'
import { byIndexStatement, byStateStatement, slowestStatement } from '../../src/ledger/query/partition-pages.ts'
import { answersStatement, liveStatement } from '../../src/ledger/query/requests.ts'
import { progressStatement } from '../../src/ledger/query/run-progress.ts'
import { failuresStatement } from '../../src/ledger/query/run-summary.ts'
import { throughputStatement } from '../../src/ledger/query/throughput.ts'
import { sharesStatement } from '../../src/ledger/query/worker-shares.ts'
import { workersStatement } from '../../src/ledger/query/workers.ts'
import { quoteIdentifier } from '../../src/postgres/identifier.ts'
import { type Pool, withTransaction } from '../../src/postgres/pool.ts'

/** The run that has most of the partitions. */
export const largeRun: RunId = '019aa000-0000-7000-8000-000000000001'

/** Tables as a long use leaves them: one large run, many small ones, and much of everything else. */
export async function fillLedger(pool: Pool, schema: string, partitions: number, others = 20_000): Promise<void> {
  const s = quoteIdentifier(schema)
  const id = (n: string): string => `md5((${n})::text)::uuid`
  const runId = (n: string): string => `case ${n} when 0 then '${largeRun}'::uuid else ${id(n)} end`
  const runs = Math.ceil(others / 10)
  await withTransaction(pool, async (client) => {
    const fill = (sql: string): Promise<unknown> => client.query(sql)
    await fill(`set local statement_timeout = 0`)
    await fill(`insert into ${s}.run (id, request_key, backfill, definition_hash, definition, params, target, target_id,
        state, bounds, range, plan_hash, partitions, planned_at, accepted_at, ended_at, end_told)
      select ${runId('n')}, 'key/' || n, 'backfill-' || n % 50, 'd', '{}', '{}', 't', n, case n when 0 then 'running' else 'completed' end,
             '{}', '{"kind": "integer", "from": "0", "to": "100"}', 'p', case n when 0 then ${partitions} else 1 end, now(),
             now() - n * interval '1 minute', case when n > 0 then now() end, n > 0
        from generate_series(0, ${runs}) n`)
    await fill(`insert into ${s}.partition (run_id, index, partition_id, kind, "from", "to")
      select '${largeRun}', n, ${id("'p' || n")}, 'integer', n, n + 1 from generate_series(0, ${partitions - 1}) n`)
    // Of a hundred one runs, one has failed, and the last of all were not claimed yet.
    await fill(`insert into ${s}.ledger_partition (partition_id, run_id, backfill, index, epoch, sequence, rank, state, state_at,
        rows_read, rows_written, rows_filtered, rows_rejected, chunks, content_hash, worker, topic_partition, first_event_at, last_event_at)
      select ${id("'p' || n")}, '${largeRun}', 'backfill-0', n, 1, 3, 2,
             case n % 100 when 7 then 'running' when 8 then 'failed' else 'completed' end, now(), 10, 10, 0, 0, 1, n, 'worker-' || n % 4,
             n % 48, now() - n * interval '1 ms', now() from generate_series(0, ${Math.floor(partitions * 0.9)}) n`)
    await fill(`insert into ${s}.ledger_run_slice
      select ${runId('n')}, t, 1, 2, 3, 0, 10, 10, 0, 0, 5, 12345678901234567890, 1, 1, 1, 6, 0, now(), now()
        from generate_series(0, ${runs}) n, generate_series(0, 11) t`)
    await fill(`insert into ${s}.ledger_share
      select ${runId('n')}, 'worker-' || w, t, 1, 1, 10, 10, 1, now(), now()
        from generate_series(0, ${runs}) n, generate_series(0, 3) w, generate_series(0, 2) t`)
    await fill(`insert into ${s}.ledger_heard
      select ${runId('n')}, now() - g * interval '10 s', t, 10, 10, 1, 1
        from generate_series(0, 20) n, generate_series(0, 360) g, generate_series(0, 11) t`)
    await fill(`insert into ${s}.ledger_alert (alert_id, raised, raised_at, raised_offset, resolved, resolved_at, resolved_offset)
      select ${id("'a' || n")}, a, now() - n * interval '1 s', n, case when n % 100 > 0 then a end, case when n % 100 > 0 then now() end, n
        from generate_series(0, ${others}) n, lateral (select jsonb_build_object('kind', 'runStalled', 'severity', 'warning',
          'message', 'm', 'remedy', 'r', 'about', jsonb_build_object('runId', ${runId(`n % ${runs}`)})) as a) raised`)
    await fill(`insert into ${s}.ledger_worker (worker, instance, sequence, rank, told_at, record_offset, slots, running, lanes,
        resident_mb, cpu_share, loop_delay_ms, first_heard_at, last_heard_at)
      select 'worker-' || n % 20, ${id("'w' || n")}, 5, 1, now(), n, 8, 3, '[1, 2]', 100, 0.5, 2, now() - n * interval '1 min', now()
        from generate_series(0, ${others}) n`)
    await fill(`insert into ${s}.ledger_request (event_id, request_key, request_hash, type, run_id, answered_at)
      select ${id("'r' || n")}, 'key/' || n, repeat('0', 64), 'request.accepted', ${id('n')}, now() from generate_series(0, ${others}) n`)
    await fill(`insert into ${s}.ledger_contradiction (event_id, fact_hash, event, at, topic_partition, record_offset, recorded_at)
      select ${id("'c' || n / 2")}, n % 2, '{}', now(), 0, n, now() - n * interval '1 s' from generate_series(0, ${others}) n`)
  })
  for (const table of [
    'run',
    'partition',
    'ledger_partition',
    'ledger_run_slice',
    'ledger_share',
    'ledger_heard',
    'ledger_alert',
  ])
    await pool.query(`vacuum analyze ${s}.${table}`)
  for (const table of ['ledger_worker', 'ledger_request', 'ledger_contradiction'])
    await pool.query(`vacuum analyze ${s}.${table}`)
}

/** Every question of the dashboard and the command line, as it is asked of a ledger that `fillLedger` made. */
export const dashboardQueries = (
  schema: string,
  partitions: number,
): readonly { readonly what: string; readonly text: string; readonly values: readonly unknown[] }[] => {
  const middle = Math.floor(partitions / 2)
  return [
    { what: 'runs', text: listStatement(schema, false), values: [50] },
    { what: 'runs, archived too', text: listStatement(schema, true), values: [50] },
    { what: 'progress', text: progressStatement(schema), values: [largeRun] },
    { what: 'shares', text: sharesStatement(schema), values: [largeRun] },
    { what: 'failures', text: failuresStatement(schema), values: [largeRun, 100] },
    { what: 'first partitions', text: byIndexStatement(schema), values: [largeRun, -1, 100] },
    { what: 'partitions from the middle on', text: byIndexStatement(schema), values: [largeRun, middle, 100] },
    { what: 'running partitions', text: byStateStatement(schema), values: [largeRun, 'running', middle, 100] },
    { what: 'completed partitions', text: byStateStatement(schema), values: [largeRun, 'completed', -1, 100] },
    { what: 'cancelled partitions', text: byStateStatement(schema), values: [largeRun, 'cancelled', -1, 100] },
    { what: 'slowest partitions', text: slowestStatement(schema), values: [largeRun, 100] },
    { what: 'workers', text: workersStatement(schema), values: [] },
    { what: 'open alerts', text: openAlertsStatement(schema), values: [1_000] },
    { what: 'alerts of a run', text: alertsOfStatement(schema), values: [largeRun, 100] },
    {
      what: 'throughput',
      text: throughputStatement(schema),
      values: [largeRun, new Date(Date.now() - 15 * 60_000)],
    },
    { what: 'contradictions', text: contradictionsStatement(schema), values: [100] },
    { what: 'answers', text: answersStatement(schema), values: ['key/77'] },
    { what: 'live run', text: liveStatement(schema), values: ['backfill-0'] },
  ]
}

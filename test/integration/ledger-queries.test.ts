// Risk: a question of the dashboard reads all of a table, which nobody notices until a run has a million partitions.
import { expect, test } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { alertsOf, openAlerts } from '../../src/ledger/query/alerts.ts'
import { listContradictions } from '../../src/ledger/query/contradictions.ts'
import { partitionsByIndex, partitionsByState, slowestRunning } from '../../src/ledger/query/partition-pages.ts'
import { throughput } from '../../src/ledger/query/throughput.ts'
import { listWorkers } from '../../src/ledger/query/workers.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { query } from '../../src/postgres/pool.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { dashboardQueries, fillLedger, largeRun } from '../support/filled-ledger.ts'
import { claimed, completed, progressed } from '../support/partition-events.ts'

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Plans?: readonly PlanNode[]
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

test('no question reads all of a table', async () => {
  const { pool, schema } = await controlDatabase()
  const partitions = 30_000
  await fillLedger(pool, schema, partitions)
  const scanned: string[] = []
  for (const { what, text, values } of dashboardQueries(schema, partitions)) {
    const { rows } = await query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(pool, `explain (format json) ${text}`, values)
    const nodes = nodesOf(rows[0]?.['QUERY PLAN'][0].Plan ?? { 'Node Type': 'none' })
    expect(
      nodes.some(({ 'Node Type': type }) => type.startsWith('Index') || type.startsWith('Bitmap')),
      what,
    ).toBe(true)
    for (const node of nodes) if (node['Node Type'] === 'Seq Scan') scanned.push(`${what}: ${node['Relation Name']}`)
  }
  expect(scanned).toEqual([])
}, 120_000)

async function tell({ pool, schema }: ControlDatabase, ...events: readonly StatusEvent[]): Promise<void> {
  const placed = events.map((event, at) => ({ event, offset: String(at) }))
  await recordEvents(pool, schema, placed, { topic: 'status', topicPartition: 0, nextOffset: String(events.length) })
}

const at = (second: number): string => `2026-11-23T12:00:${String(second).padStart(2, '0')}.000000Z`
const partitionId = (n: number): string => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`
const totals = (rowsRead: number): object => ({
  totals: { rowsRead, rowsWritten: rowsRead, rowsFiltered: 0, rowsRejected: 0, chunks: 1, contentHash: '7' },
})

async function planned({ rows }: ControlDatabase, partitions: number): Promise<void> {
  await rows(
    `insert into :schema.run (id, request_key, backfill, definition_hash, definition, params, target, target_id, state, bounds,
       range, plan_hash, partitions, planned_at)
     values ($1, 'k', 'orders-v2', 'd', '{}', '{}', 't', 't', 'running', '{}', '{}', 'p', $2, now())`,
    [largeRun, partitions],
  )
  for (let n = 0; n < partitions; n += 1)
    await rows(
      `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to") values ($1, $2, $3, 'integer', $4, $5)`,
      [largeRun, n, partitionId(n), String(n), String(n + 1)],
    )
}

test('partitions come in pages: by index with those that wait, by state, and the longest running first', async () => {
  const database = await controlDatabase()
  const { pool, schema } = database
  await planned(database, 5)
  const of = (n: number, second: number): object => ({ partitionId: partitionId(n), index: n, at: at(second) })
  await tell(
    database,
    claimed(of(0, 9)),
    claimed(of(1, 3)),
    completed({ ...of(2, 5), ...totals(10), sequence: 1 }),
    progressed({ ...of(1, 8), ...totals(4), sequence: 1 }),
  )
  const pages = [
    await partitionsByIndex(pool, schema, largeRun, -1, 3),
    await partitionsByIndex(pool, schema, largeRun, 2, 3),
  ]
  expect(pages.map((page) => page.map(({ index, told }) => [index, told?.state ?? null]))).toEqual([
    [
      [0, 'running'],
      [1, 'running'],
      [2, 'completed'],
    ],
    [
      [3, null],
      [4, null],
    ],
  ])
  expect(pages[0]?.[1]?.told).toMatchObject({
    readMs: 1,
    transformMs: 1,
    writeMs: 1,
    totals: { rowsRead: 4, contentHash: '7' },
  })
  expect((await partitionsByState(pool, schema, largeRun, 'running', 0, 9)).map(({ index }) => index)).toEqual([1])
  expect((await slowestRunning(pool, schema, largeRun, 9)).map(({ index }) => index)).toEqual([1, 0])
})

test('what was heard of a run adds up in steps of ten seconds', async () => {
  const database = await controlDatabase()
  const of = (n: number): object => ({ partitionId: partitionId(n), index: n })
  await tell(database, claimed({ ...of(0), at: at(1) }), completed({ ...of(1), ...totals(5), sequence: 1, at: at(19) }))
  await tell(database, completed({ ...of(0), ...totals(10), sequence: 1, at: at(12) }))
  expect(await throughput(database.pool, database.schema, largeRun, new Date(at(10)))).toEqual([
    { since: '2026-11-23T12:00:10.000Z', rowsRead: 15, rowsWritten: 15, chunks: 2, ended: 2 },
  ])
})

const told = (type: 'worker.started' | 'worker.alive' | 'worker.stopped', given: object): StatusEvent =>
  ({
    ...{ version: 1, type, worker: 'worker-1', instance: partitionId(1), sequence: 0, slots: 8, running: 0, lanes: [] },
    ...{ residentMb: 90, cpuShare: 0.1, loopDelayMs: 1, at: at(1), ...given },
  }) as StatusEvent

const lost = (given: object): StatusEvent => ({
  ...{ version: 1, type: 'worker.lost', worker: 'worker-1', instance: partitionId(1), sequence: 1, message: 'silent' },
  ...{ at: at(30), ...given },
})

test('a worker is what its newest process said last, unless it was given up since', async () => {
  const database = await controlDatabase()
  const workers = async (): Promise<unknown> =>
    (await listWorkers(database.pool, database.schema)).map(({ worker, state, running, lostAt }) => ({
      ...{ worker, state, running, isLost: lostAt !== null },
    }))
  await tell(
    database,
    told('worker.alive', { sequence: 1, running: 3, lanes: [4], at: at(6) }),
    told('worker.started', {}),
    told('worker.started', { worker: 'worker-2', instance: partitionId(2), at: at(2) }),
    lost({ worker: 'worker-3', instance: partitionId(3) }),
  )
  expect(await workers()).toEqual([
    { worker: 'worker-1', state: 'alive', running: 3, isLost: false },
    { worker: 'worker-2', state: 'started', running: 0, isLost: false },
    { worker: 'worker-3', state: 'lost', running: null, isLost: true },
  ])
  await tell(database, lost({}), told('worker.stopped', { worker: 'worker-2', instance: partitionId(2), sequence: 1 }))
  expect(await workers()).toMatchObject([{ state: 'lost', running: 3 }, { state: 'stopped' }, { state: 'lost' }])
  // It was only frozen; and the third has come back as another process.
  await tell(
    database,
    told('worker.alive', { sequence: 2, running: 1, at: at(40) }),
    told('worker.started', { worker: 'worker-3', instance: partitionId(4), at: at(41) }),
  )
  expect(await workers()).toMatchObject([
    { state: 'alive', running: 1, isLost: false },
    { state: 'stopped' },
    { state: 'started' },
  ])
})

test('an alert is open from when it was raised until it is resolved, in whatever order that is told', async () => {
  const database = await controlDatabase()
  const { pool, schema } = database
  const alert = (n: number, given: object): StatusEvent =>
    ({
      ...{ version: 1, alertId: partitionId(n), kind: 'runStalled', severity: 'warning', about: { runId: largeRun } },
      ...{ message: 'nothing moved for 60 s', remedy: 'look at its workers', at: at(n), ...given },
    }) as StatusEvent
  const [raised, resolved] = [{ type: 'alert.raised' }, { type: 'alert.resolved', message: 'it moves', at: at(50) }]
  await tell(database, alert(1, resolved), alert(2, raised), alert(3, raised))
  expect((await openAlerts(pool, schema)).map(({ alertId }) => alertId)).toEqual([partitionId(2), partitionId(3)])
  await tell(database, alert(1, raised), alert(3, resolved))
  expect(await openAlerts(pool, schema)).toMatchObject([{ alertId: partitionId(2), resolvedAt: null }])
  expect(await alertsOf(pool, schema, largeRun)).toMatchObject([
    { alertId: partitionId(3), resolution: 'it moves', message: 'nothing moved for 60 s', about: { runId: largeRun } },
    { alertId: partitionId(2) },
    { alertId: partitionId(1) },
  ])
  const history = await database.rows(`select distinct run_id from :schema.ledger_event`)
  expect(history).toEqual([{ run_id: largeRun }])
})

test('facts of which more than one thing was told are listed with all of it', async () => {
  const database = await controlDatabase()
  await tell(database, completed(totals(5)), completed({ ...totals(6), at: at(1) }))
  expect(await listContradictions(database.pool, database.schema)).toMatchObject([
    {
      versions: [
        { event: { totals: { rowsRead: 5 } }, offset: '0' },
        { event: { totals: { rowsRead: 6 } }, offset: '1' },
      ],
    },
  ])
})

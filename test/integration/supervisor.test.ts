// Risk: a partition that nobody works on is never finished, or a run is said to have ended when it has not.
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { noTotals, type Totals } from '../../src/contract/certificate.ts'
import type { RunId, WorkerId } from '../../src/contract/ids.ts'
import type { PauseRequest } from '../../src/contract/request.ts'
import type { PartitionState } from '../../src/contract/states.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import type { DiscoveredBackfill } from '../../src/define/discover.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import type { Service } from '../../src/process/service.ts'
import type { Sink, StoredCheckpoint } from '../../src/sink/sink.ts'
import type { LanePlace, PassedTask } from '../../src/supervise/lane-findings.ts'
import type { TopicEnd } from '../../src/supervise/ledger-reach.ts'
import type { Patience, SupervisorDeps } from '../../src/supervise/supervising.ts'
import { createSupervisor } from '../../src/supervise/supervisor.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

const Row = z.object({ id: z.string() })
const backfill = defineBackfill({
  id: 'orders-v2',
  source: postgres.table('orders', { schema: Row, key: 'id' }),
  partitionBy: partition.byKey('id', { size: 10 }),
  sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
})
const discovered: DiscoveredBackfill = { backfill, file: '/a.ts', folder: '/', hash: 'a'.repeat(64) }

const partitionId = (n: number): string => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`
const totals = (rowsRead: number): Totals => ({
  ...noTotals,
  rowsRead,
  rowsWritten: rowsRead,
  chunks: 1,
  contentHash: '7',
})

interface World {
  readonly database: ControlDatabase
  readonly runId: string
  readonly checkpoints: Map<string, StoredCheckpoint>
  readonly covered: Set<string>
  readonly tasks: TaskMessage[]
  readonly events: StatusEvent[]
  readonly asked: PauseRequest[]
  /** Of which runs the sink was to withhold what whom holds, and what was released. */
  readonly withheld: (readonly [RunId, readonly WorkerId[], number])[]
  readonly released: RunId[]
  /** What the next look finds of committed offsets. */
  readonly lanes: LanePlace[]
  readonly passed: PassedTask[]
  /** Where the status topic ends. */
  ends: TopicEnd[]
  /** Looks that asked which partitions are covered. */
  looks: number
}

/** A run of three partitions, planned and announced, as the planner leaves it. */
async function world(): Promise<World> {
  const database = await controlDatabase()
  const runId = randomUUID()
  await database.rows(
    `insert into :schema.run (id, request_key, backfill, definition_hash, definition, params, target, target_id, state, bounds, range,
       plan_hash, partitions, plan_cursor, planned_at, published) values ($1, 'orders/1', 'orders-v2', $2, '{}', '{"a": 1}', 't', 't', 'running',
       '{"kind": "integer", "column": "id", "from": "0", "to": "30", "estimatedRows": null}',
       '{"kind": "integer", "from": "0", "to": "30"}', $2, 3, 3, now(), 3)`,
    [runId, discovered.hash],
  )
  for (const n of [0, 1, 2])
    await database.rows(
      `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to", locator)
       values ($1, $2, $3, 'integer', $4, $5, '{"column": "id"}')`,
      [runId, n, partitionId(n), String(n * 10), String(n * 10 + 10)],
    )
  const covered = new Set([0, 1, 2].map(partitionId))
  return {
    ...{ database, runId, checkpoints: new Map(), covered, tasks: [], events: [], asked: [], looks: 0 },
    ...{ withheld: [], released: [] },
    ...{ lanes: [], passed: [], ends: [] },
  }
}

const running: Service[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()))
})

interface Supervised extends Partial<SupervisorDeps> {
  readonly times?: Partial<Patience>
}

async function supervise(around: World, { times, ...more }: Supervised = {}): Promise<Service> {
  const { database, checkpoints, tasks, events } = around
  const service = createSupervisor({
    ...{ pool: database.pool, schema: database.schema, log: silentLog, now: () => new Date() },
    definitions: { all: () => [discovered], get: () => discovered },
    openSink: async () =>
      ({
        checkpoints: async () => [...checkpoints.values()],
        cancel: async (partitions: Parameters<Sink['cancel']>[0]) =>
          partitions.map(({ partitionId }) => {
            const before = checkpoints.get(partitionId) ?? {
              ...{ partitionId, epoch: 0, sequence: 0, cursor: null, totals: noTotals },
            }
            const ended: StoredCheckpoint = { ...before, state: 'cancelled' }
            checkpoints.set(partitionId, ended)
            return ended
          }),
        withhold: async (...asked: Parameters<Sink['withhold']>) => around.withheld.push(asked),
        release: async (runId: RunId) => void around.released.push(runId),
      }) as unknown as Sink,
    openTasks: async () => {
      around.looks += 1
      const now = new Set(around.covered)
      return { covered: (id) => now.has(id), lanes: [...around.lanes], passed: around.passed.splice(0) }
    },
    statusTopic: 'status',
    statusEnds: async () => around.ends,
    workers: async () => [],
    ask: async (request) => void around.asked.push(request),
    control: { clear: async () => {} },
    tasks: { publish: async (some) => void tasks.push(...some) },
    status: { publish: async (some) => void events.push(...some) },
    patience: {
      ...testConfig().supervision,
      ...{ everyMs: 10, patienceMs: 100, leaseMs: 100, endedEveryMs: 50, resolveAfterMs: 100 },
      ...times,
    },
    ...more,
  })
  running.push(service)
  await service.start()
  return service
}

function reached({ checkpoints }: World, n: number, state: PartitionState, more: Partial<StoredCheckpoint> = {}): void {
  checkpoints.set(partitionId(n), {
    ...{ partitionId: partitionId(n), epoch: 1, sequence: 1, cursor: '9', state, totals: totals(10) },
    ...{ worker: 'worker-1', topicPartition: 4, ...more },
  })
}

/** Does what the ledger writer does with everything told so far. */
async function record(
  { database: { pool, schema }, events }: World,
  told: readonly StatusEvent[] = events,
): Promise<void> {
  const placed = told.map((event, at) => ({ event, offset: String(at) }))
  await recordEvents(pool, schema, placed, { topic: 'status', topicPartition: 0, nextOffset: String(told.length) })
}

const ofType = <Type extends StatusEvent['type']>({ events }: World, type: Type): (StatusEvent & { type: Type })[] =>
  events.filter((event): event is StatusEvent & { type: Type } => event.type === type)

/** Waits until two more looks have passed. */
async function looksOn(around: World, times = 2): Promise<void> {
  const until = around.looks + times
  await eventually('another look', async () => (around.looks >= until ? true : undefined))
}

test('a run that is worked on is left alone', async () => {
  const around = await world()
  reached(around, 0, 'running')
  await supervise(around, { times: { patienceMs: 0, leaseMs: 0 } })
  await looksOn(around, 5)
  expect([around.tasks, around.events]).toEqual([[], []])
})

test('a partition that no open task covers is published again, as it was planned, and told', async () => {
  const around = await world()
  around.covered.delete(partitionId(1))
  await supervise(around)
  const task = await eventually('the task again', async () => around.tasks[0])
  const { publishedAt, ...rest } = task
  expect(Number.isNaN(Date.parse(publishedAt))).toBe(false)
  expect(rest).toEqual({
    ...{ version: 1, runId: around.runId, partitionId: partitionId(1), index: 1, backfill: 'orders-v2' },
    ...{ definitionHash: discovered.hash, params: { a: 1 }, range: { kind: 'integer', from: '10', to: '20' } },
    ...{ locator: { column: 'id' }, reason: 'stranded' },
  })
  expect(await eventually('the event', async () => ofType(around, 'partition.republished')[0])).toMatchObject({
    partitionId: partitionId(1),
    index: 1,
  })
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId))).toEqual(new Set([partitionId(1)]))
})

test('a completion that was never told is told from the checkpoint row, and then the run ends', async () => {
  const around = await world()
  for (const n of [0, 1]) reached(around, n, 'completed')
  reached(around, 2, 'failed', {
    failure: { reason: 'ROW_INVALID', message: 'amount is not a number', attempts: 1, sample: [] },
  })
  await supervise(around)
  const told = await eventually('three ends told', async () => {
    const ends = around.events.filter(({ type }) => type.startsWith('partition.'))
    return ends.length >= 3 ? ends : undefined
  })
  expect(told.slice(0, 3)).toMatchObject([
    {
      type: 'partition.completed',
      partitionId: partitionId(0),
      index: 0,
      epoch: 1,
      sequence: 1,
      worker: 'worker-1',
      topicPartition: 4,
      totals: totals(10),
    },
    { type: 'partition.completed', partitionId: partitionId(1) },
    { type: 'partition.failed', partitionId: partitionId(2), reason: 'ROW_INVALID', message: 'amount is not a number' },
  ])
  expect(ofType(around, 'run.failed')).toEqual([])
  await record(around)
  const ended = await eventually('the end of the run', async () => ofType(around, 'run.failed')[0])
  expect(ended).toMatchObject({
    ...{ runId: around.runId, state: 'failed', partitions: 3, partitionsFailed: 1 },
    totals: { rowsRead: 30, rowsWritten: 30, chunks: 3, contentHash: '21' },
  })
  await eventually('the state stored', async () => {
    const [run] = await around.database.rows('select state, ended_at from :schema.run')
    return run?.state === 'failed' && run.ended_at instanceof Date ? true : undefined
  })
})

test('a run of which most partitions fail is asked to be parked, once', async () => {
  const around = await world()
  for (let n = 3; n < 60; n += 1)
    await around.database.rows(
      `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to", locator)
       values ($1, $2, $3, 'integer', $4, $5, '{"column": "id"}')`,
      [around.runId, n, partitionId(n), String(n * 10), String(n * 10 + 10)],
    )
  await around.database.rows(`update :schema.run set bounds = jsonb_set(bounds, '{to}', '"600"')`)
  for (let n = 0; n < 60; n += 1) around.covered.add(partitionId(n))
  const failure = { reason: 'SINK_NOT_WRITABLE', message: 'permission denied', attempts: 1, sample: [] }
  for (let n = 0; n < 49; n += 1) reached(around, n, 'failed', { failure })
  await supervise(around, { times: { patienceMs: 600_000 } })
  await looksOn(around, 3)
  expect(around.asked).toEqual([])
  reached(around, 49, 'failed', { failure })
  await eventually('the request', async () => around.asked[0])
  await looksOn(around, 3)
  expect(around.asked).toMatchObject([
    { type: 'pause', runId: around.runId, requestKey: `parked/${around.runId}/circuit-breaker` },
  ])
})

test('a run does not end while the ledger does not know all of it', async () => {
  const around = await world()
  for (const n of [0, 1, 2]) reached(around, n, 'completed')
  await supervise(around, { times: { patienceMs: 600_000 } })
  await looksOn(around, 3)
  expect(around.events).toEqual([])
})

test('an end is told when it is decided, not before; and when it could not be told, it is told later', async () => {
  const around = await world()
  for (const n of [0, 1, 2]) reached(around, n, 'completed')
  let away = 0
  const publish = async (some: readonly StatusEvent[]): Promise<void> => {
    if (some.some(({ type }) => type === 'run.completed') && (away += 1) < 3) throw new Error('Kafka is away')
    around.events.push(...some)
  }
  await supervise(around, { status: { publish } })
  await eventually('three ends told', async () => (around.events.length >= 3 ? true : undefined))
  await around.database.rows(
    `create function :schema.refuse() returns trigger language plpgsql as $$ begin raise 'away'; end $$`,
  )
  await around.database.rows(
    'create trigger refuse before update on :schema.run for each row execute function :schema.refuse()',
  )
  await record(around)
  await looksOn(around, 3)
  expect([away, ofType(around, 'run.completed')]).toEqual([0, []])
  await around.database.rows('drop trigger refuse on :schema.run')
  await eventually('the end told', async () => ofType(around, 'run.completed')[0])
  await eventually('known to be told', async () =>
    (await around.database.rows('select state, end_told from :schema.run'))[0]?.end_told === true ? true : undefined,
  )
  expect([away, ofType(around, 'run.completed').length]).toEqual([3, 1])
})

describe('intents', () => {
  const intend = async ({ database }: World, state: string, intent: string): Promise<void> => {
    await database.rows('update :schema.run set state = $1, intent = $2, control_sequence = 1, intended_at = now()', [
      state,
      intent,
    ])
  }

  test('a paused run is not published again; resumed, what nobody covers is', async () => {
    const around = await world()
    await intend(around, 'paused', 'paused')
    around.covered.clear()
    await supervise(around, { times: { patienceMs: 0, leaseMs: 0 } })
    await looksOn(around, 5)
    expect([around.tasks, around.events]).toEqual([[], []])
    await intend(around, 'running', 'running')
    await eventually('all three', async () => (around.tasks.length >= 3 ? true : undefined))
  })

  test('a cancelled run is swept, told partition by partition, and ends when the ledger knows all of it', async () => {
    const around = await world()
    reached(around, 0, 'completed')
    reached(around, 1, 'running')
    around.covered.clear()
    const cleared: string[] = []
    await intend(around, 'cancelling', 'cancelled')
    await supervise(around, { control: { clear: async (runId) => void cleared.push(runId) } })
    await eventually('two ends told', async () =>
      ofType(around, 'partition.cancelled').length >= 2 ? true : undefined,
    )
    expect(ofType(around, 'partition.cancelled')).toMatchObject([
      { index: 1, epoch: 1, sequence: 1, worker: 'worker-1', totals: totals(10) },
      { index: 2, epoch: 0, sequence: 0, totals: noTotals },
    ])
    await eventually('the completion told', async () => ofType(around, 'partition.completed')[0])
    expect([around.tasks, ofType(around, 'run.cancelled')]).toEqual([[], []])
    await record(around)
    expect(await eventually('the end', async () => ofType(around, 'run.cancelled')[0])).toMatchObject({
      ...{ state: 'cancelled', partitions: 3, partitionsFailed: 0, partitionsCancelled: 2 },
      totals: { rowsRead: 20, chunks: 2 },
    })
    await eventually('the intent cleared', async () => cleared[0])
    expect(cleared).toEqual([around.runId])
  })

  test('a run cancelled while it was being planned ends with the partitions there are; the others count as cancelled', async () => {
    const around = await world()
    await around.database.rows('update :schema.run set partitions = 10, planned_at = null, state = $1', ['planning'])
    await intend(around, 'cancelling', 'cancelled')
    await supervise(around)
    await eventually('three ends told', async () =>
      ofType(around, 'partition.cancelled').length >= 3 ? true : undefined,
    )
    await record(around)
    expect(await eventually('the end', async () => ofType(around, 'run.cancelled')[0])).toMatchObject({
      ...{ partitions: 10, partitionsCancelled: 10, partitionsFailed: 0 },
    })
  })

  test('one cancelled partition is swept, and the run goes on without it', async () => {
    const around = await world()
    await around.database.rows("update :schema.partition set intent = 'cancelled' where index = 1")
    await intend(around, 'running', 'running')
    await supervise(around)
    await eventually('its end told', async () => ofType(around, 'partition.cancelled')[0])
    expect(ofType(around, 'partition.cancelled')).toMatchObject([{ partitionId: partitionId(1) }])
    for (const n of [0, 2]) reached(around, n, 'completed')
    await eventually('the others told', async () =>
      ofType(around, 'partition.completed').length >= 2 ? true : undefined,
    )
    await record(around)
    expect(await eventually('the end', async () => ofType(around, 'run.completed')[0])).toMatchObject({
      ...{ state: 'completed', partitionsFailed: 0, partitionsCancelled: 1 },
    })
  })

  const late = async (around: World, intent: 'paused' | 'cancelled', ago: string): Promise<void> => {
    await intend(around, intent === 'paused' ? 'paused' : 'cancelling', intent)
    await around.database.rows(`update :schema.run set intended_at = now() - interval '${ago}'`)
    await record(around, [
      {
        ...{ version: 1, type: 'intent.acknowledged', runId: around.runId, backfill: 'orders-v2', sequence: 1 },
        ...{ intent, worker: 'worker-1', atStart: false, at: new Date().toISOString() },
      },
    ])
  }

  test('workers that do not acknowledge are named, once, and no more when they do', async () => {
    const around = await world()
    await late(around, 'paused', '1 minute')
    await supervise(around, { workers: async () => ['worker-1', 'worker-2'] })
    await eventually('an alert', async () => ofType(around, 'alert.raised')[0])
    await looksOn(around, 3)
    expect(ofType(around, 'alert.raised')).toMatchObject([
      { kind: 'intentUnacknowledged', severity: 'warning', about: { runId: around.runId, worker: 'worker-2' } },
    ])
    await record(around, [
      {
        ...{ version: 1, type: 'intent.acknowledged', runId: around.runId, backfill: 'orders-v2', sequence: 1 },
        ...{ intent: 'paused', worker: 'worker-2', atStart: false, at: new Date().toISOString() },
      },
    ])
    await eventually('it is over', async () => ofType(around, 'alert.resolved')[0])
  })

  test('what is not obeyed for five minutes is carried out in the sink, and that is told; a pause is critical', async () => {
    const paused = await world()
    await late(paused, 'paused', '6 minutes')
    await supervise(paused, { workers: async () => ['worker-1', 'worker-2'] })
    const alert = await eventually('an alert', async () => ofType(paused, 'alert.raised')[0])
    expect(alert).toMatchObject({ kind: 'intentUnacknowledged', severity: 'critical' })
    await looksOn(paused, 3)
    expect(ofType(paused, 'repair.made')).toMatchObject([{ kind: 'intentForced', about: { runId: paused.runId } }])
    // At every look: it may have claimed again.
    expect(paused.withheld.length).toBeGreaterThanOrEqual(3)
    for (const [runId, workers] of paused.withheld) expect([runId, workers]).toEqual([paused.runId, ['worker-2']])
    expect(paused.released).toEqual([])
    await intend(paused, 'running', 'running')
    await eventually('what was withheld is free', async () => paused.released[0])
    const before = paused.withheld.length
    await looksOn(paused, 3)
    expect([paused.withheld.length, paused.released]).toEqual([before, [paused.runId]])

    const cancelled = await world()
    await late(cancelled, 'cancelled', '6 minutes')
    await supervise(cancelled, { workers: async () => ['worker-1', 'worker-2'] })
    const forced = (): StatusEvent[] => ofType(cancelled, 'repair.made').filter(({ kind }) => kind === 'intentForced')
    expect(await eventually('the repair', async () => forced()[0])).toMatchObject({ about: { runId: cancelled.runId } })
    expect([...cancelled.checkpoints.values()].map(({ state }) => state)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ])
    await looksOn(cancelled, 3)
    expect(forced()).toHaveLength(1)
  })
})

describe('what cannot be', () => {
  const completed = (around: World, n: number, more: Partial<StoredCheckpoint> = {}): StatusEvent => {
    reached(around, n, 'completed', more)
    const { epoch, sequence, cursor, totals } = around.checkpoints.get(partitionId(n)) as StoredCheckpoint
    return {
      ...{ version: 1, type: 'partition.completed', at: new Date().toISOString(), runId: around.runId },
      ...{ backfill: 'orders-v2', partitionId: partitionId(n), index: n, epoch, sequence, cursor, totals },
      ...{ worker: 'worker-1', topicPartition: 4 },
    }
  }
  const about = (around: World, n: number) => ({ runId: around.runId, partitionId: partitionId(n), index: n })

  test('a ledger that is ahead of the sink raises an alert, once, and stops nothing; caught up with, it is resolved', async () => {
    const around = await world()
    await record(around, [completed(around, 0, { epoch: 2, sequence: 9 })])
    reached(around, 0, 'running')
    await supervise(around)
    const alert = await eventually('an alert', async () => ofType(around, 'alert.raised')[0])
    expect(alert).toMatchObject({ kind: 'ledgerAhead', severity: 'critical', about: about(around, 0) })
    await looksOn(around, 5)
    expect(ofType(around, 'alert.raised')).toHaveLength(1)
    expect(around.asked).toEqual([])
    reached(around, 0, 'running', { epoch: 3, sequence: 9 })
    await looksOn(around, 3)
    expect(ofType(around, 'alert.resolved')).toEqual([])
    reached(around, 0, 'completed', { epoch: 3, sequence: 10 })
    expect(await eventually('resolved', async () => ofType(around, 'alert.resolved')[0])).toMatchObject({
      alertId: alert.alertId,
    })
  })

  test('another content at the same place raises an alert, and a pause of this one partition is asked for, once', async () => {
    const around = await world()
    const event = { ...completed(around, 1), type: 'partition.progressed' as const }
    const timings = { readMs: 1, transformMs: 1, writeMs: 1 }
    await record(around, [{ ...event, timings } as StatusEvent])
    reached(around, 1, 'running', { totals: { ...totals(10), contentHash: '8' } })
    await supervise(around)
    const alert = await eventually('an alert', async () => ofType(around, 'alert.raised')[0])
    expect(alert).toMatchObject({ kind: 'hashDiffers', about: about(around, 1) })
    expect(alert.message).toContain('contentHash (7 and 8)')
    await looksOn(around, 5)
    expect(around.asked).toMatchObject([{ type: 'pause', runId: around.runId, partitionId: partitionId(1) }])
    expect(ofType(around, 'alert.raised')).toHaveLength(1)
  })

  test('a fact that was told in two versions is told, once', async () => {
    const around = await world()
    const event = completed(around, 0)
    const at = new Date(Date.parse(event.at) + 1_000).toISOString()
    await record(around, [event, { ...event, at, totals: { ...totals(10), contentHash: '8' } } as StatusEvent])
    await supervise(around)
    expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0])).toMatchObject({
      ...{ kind: 'eventContradicted', severity: 'critical', about: about(around, 0) },
    })
    await looksOn(around, 5)
    expect(ofType(around, 'alert.raised')).toHaveLength(1)
  })

  test('a plan of which a partition is gone leaves a gap, and that is told', async () => {
    const around = await world()
    await around.database.rows('delete from :schema.partition where index = 1')
    await supervise(around)
    expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0])).toMatchObject({
      ...{ kind: 'coverageGap', severity: 'critical', about: { runId: around.runId } },
      message: 'no partition has 10 to 20, behind partition 0',
    })
  })

  test('a plan with a part twice is told, and the second partition of the two is asked to be paused', async () => {
    const around = await world()
    await around.database.rows(`update :schema.partition set "to" = '15' where index = 0`)
    await supervise(around)
    expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0])).toMatchObject({
      ...{ kind: 'coverageOverlap', message: 'partitions 0 and 1 both have 10 to 15' },
    })
    expect(around.asked).toMatchObject([{ type: 'pause', partitionId: partitionId(1) }])
  })

  test('a run that has ended is looked at too: a row that is gone is told, an event that is lost is told again', async () => {
    const around = await world()
    await record(around, [completed(around, 0), completed(around, 1)])
    reached(around, 2, 'completed')
    around.checkpoints.delete(partitionId(0))
    await around.database.rows("update :schema.run set state = 'completed', ended_at = now(), end_told = true")
    await supervise(around)
    expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0])).toMatchObject({
      ...{ kind: 'checkpointMissing', about: about(around, 0) },
    })
    expect(await eventually('the end again', async () => ofType(around, 'partition.completed')[0])).toMatchObject({
      partitionId: partitionId(2),
    })
    expect(await eventually('the repair', async () => ofType(around, 'repair.made')[0])).toMatchObject({
      ...{ kind: 'eventLost', about: about(around, 2) },
    })
    expect([around.tasks, ofType(around, 'run.completed')]).toEqual([[], []])
  })

  test('an archived run is settled: its alerts are over, and it is not looked at any more', async () => {
    const around = await world()
    await record(around, [completed(around, 0), completed(around, 1), completed(around, 2)])
    around.checkpoints.delete(partitionId(0))
    await around.database.rows("update :schema.run set state = 'completed', ended_at = now(), end_told = true")
    await supervise(around)
    await eventually('an alert', async () => ofType(around, 'alert.raised')[0])
    await around.database.rows("update :schema.run set archived_at = now(), archived_for = 'archive/1'")
    // Nothing is looked at but what is due every five seconds.
    expect(await eventually('resolved', async () => ofType(around, 'alert.resolved')[0])).toMatchObject({
      message: 'the run was archived, or done again',
    })
  })

  test('the next leader knows what is open, and raises nothing twice', async () => {
    const around = await world()
    await around.database.rows('delete from :schema.partition where index = 1')
    const first = await supervise(around)
    await eventually('an alert', async () => ofType(around, 'alert.raised')[0])
    await first.stop()
    await record(around)
    await supervise(around)
    await looksOn(around, 5)
    expect(around.events.map(({ type }) => type)).toEqual(['alert.raised'])
    await around.database.rows(
      `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to", locator)
       values ($1, 1, $2, 'integer', '10', '20', '{"column": "id"}')`,
      [around.runId, partitionId(1)],
    )
    await running.pop()?.stop()
    await supervise(around)
    await eventually('resolved by one that did not raise it', async () => ofType(around, 'alert.resolved')[0])
  })
})

describe('a ledger that is late', () => {
  test('has lost nothing: ends are not told again; that it is late is told, and when it is over', async () => {
    const around = await world()
    for (const n of [0, 1, 2]) reached(around, n, 'completed')
    around.ends = [{ topicPartition: 0, low: 0n, high: 5n }]
    await supervise(around, { times: { ledgerLagMs: 200 } })
    expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0], 60_000)).toMatchObject({
      ...{ kind: 'ledgerLag', about: {} },
    })
    expect(around.events.map(({ type }) => type)).toEqual(['alert.raised'])
    around.ends = []
    await eventually('over', async () => ofType(around, 'alert.resolved')[0])
    await eventually('what was lost is told', async () => ofType(around, 'repair.made')[0])
  }, 90_000)
})

describe('committed offsets', () => {
  const lane = (committed: bigint, metadata: string): LanePlace => ({ topicPartition: 4, committed, metadata })
  const known = JSON.stringify({ v: 1, taken: 2, tasks: [[1, 0, 'abcdefgh', 1, 2, 10, '7', '9']] })

  test('one that went back, and one that lost its metadata, are told once, and repaired by a look', async () => {
    const around = await world()
    around.lanes.push(lane(9n, known))
    await supervise(around)
    await looksOn(around, 2)
    around.lanes.splice(0, 1, lane(9n, ''))
    await eventually('lost', async () => ofType(around, 'repair.made')[0])
    around.lanes.splice(0, 1, lane(3n, ''))
    await eventually('back', async () => ofType(around, 'repair.made')[1])
    await looksOn(around, 3)
    expect(ofType(around, 'repair.made')).toMatchObject([
      { kind: 'offsetMetadataLost', about: { topicPartition: 4 } },
      { kind: 'offsetWentBack', about: { topicPartition: 4 } },
    ])
    expect(ofType(around, 'alert.raised')).toEqual([])
  })

  test('one that is past a live partition is told as the cause, until the partition has a task again', async () => {
    const around = await world()
    await supervise(around)
    await looksOn(around, 2)
    around.covered.delete(partitionId(1))
    around.passed.push({ partitionId: partitionId(1), topicPartition: 4, offset: 7n })
    expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0])).toMatchObject({
      ...{ kind: 'offsetTooFar', about: { runId: around.runId, topicPartition: 4 } },
    })
    expect(await eventually('published again', async () => ofType(around, 'partition.republished')[0])).toMatchObject({
      message: 'the committed offset of topic partition 4 is past its task at 7: its task was published again',
    })
    around.covered.add(partitionId(1))
    await eventually('over', async () => ofType(around, 'alert.resolved')[0])
    expect(ofType(around, 'alert.raised')).toHaveLength(1)
  })

  test('one that passes a partition that is over is how it should be', async () => {
    const around = await world()
    reached(around, 0, 'completed')
    around.covered.delete(partitionId(0))
    around.passed.push({ partitionId: partitionId(0), topicPartition: 4, offset: 7n })
    await supervise(around, { times: { patienceMs: 600_000 } })
    await looksOn(around, 3)
    expect(around.events).toEqual([])
  })
})

test('a worker that is not heard of, and in no group, is told to be lost', async () => {
  const around = await world()
  const instance = randomUUID()
  await record(around, [
    {
      ...{ version: 1, type: 'worker.alive', at: new Date().toISOString(), worker: 'worker-9', instance, sequence: 3 },
      ...{ slots: 2, running: 1, lanes: [4], residentMb: 90, cpuShare: 0.2, loopDelayMs: 4 },
    },
  ])
  await supervise(around, { times: { workerSilentMs: 1_000 }, workers: async () => ['worker-1'] })
  expect(await eventually('lost', async () => ofType(around, 'worker.lost')[0])).toMatchObject({
    ...{ worker: 'worker-9', instance, sequence: 4 },
  })
  expect(await eventually('an alert', async () => ofType(around, 'alert.raised')[0])).toMatchObject({
    ...{ kind: 'workerLost', about: { worker: 'worker-9' } },
  })
  await looksOn(around, 5)
  expect(ofType(around, 'worker.lost')).toHaveLength(1)
})

test('alerts are handed on to whoever is to be notified, once each', async () => {
  const around = await world()
  const handed: StatusEvent[] = []
  await around.database.rows('delete from :schema.partition where index = 1')
  await supervise(around, { notify: (alerts) => void handed.push(...alerts) })
  await eventually('an alert', async () => handed[0])
  await looksOn(around, 3)
  expect(handed).toEqual(ofType(around, 'alert.raised'))
})

test('one of two looks, and the other takes over when it has gone', async () => {
  const around = await world()
  const [first, second] = [
    { ...around, looks: 0 },
    { ...around, looks: 0 },
  ]
  const active = await supervise(first)
  await looksOn(first)
  await supervise(second)
  await looksOn(first, 5)
  expect(second.looks).toBe(0)
  await active.stop()
  await looksOn(second)
})

test('a leader that loses its connection leads again, or another one does', async () => {
  const around = await world()
  await supervise(around)
  await looksOn(around)
  await around.database.rows(
    `select pg_terminate_backend(l.pid) from pg_locks l
      where l.locktype = 'advisory' and l.granted and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended($1, 0)`,
    [`tidemark supervisor ${around.database.schema}`],
  )
  await looksOn(around, 3)
})

test('open tasks that are not known repair nothing and stop nothing', async () => {
  const around = await world()
  for (const n of [0, 1, 2]) reached(around, n, 'completed')
  await supervise(around, { openTasks: () => Promise.reject(new Error('Kafka is away')) })
  await eventually('three ends told', async () => (around.events.length >= 3 ? true : undefined))
  expect(around.tasks).toEqual([])
})

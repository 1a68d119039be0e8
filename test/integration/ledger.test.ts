// Risk: events that come late, twice, in another order or broken make the ledger say what did not happen.
import { randomUUID } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { noTotals, type Totals } from '../../src/contract/certificate.ts'
import type { DeadLetterMessage } from '../../src/contract/dead-letter.ts'
import { RetryableError } from '../../src/contract/errors.ts'
import { runIntent } from '../../src/ledger/intent-queries.ts'
import { createLedgerWriter } from '../../src/ledger/ledger-writer.ts'
import { mergeEvents } from '../../src/ledger/merge.ts'
import type { PlacedEvent } from '../../src/ledger/placed-event.ts'
import { listRuns } from '../../src/ledger/query/list-runs.ts'
import { answersOf, liveRunOf } from '../../src/ledger/query/requests.ts'
import { runProgress } from '../../src/ledger/query/run-progress.ts'
import { runSummary } from '../../src/ledger/query/run-summary.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { type HandFeed, handFeed } from '../support/hand-feed.ts'
import { ledgerTables } from '../support/ledger-tables.ts'
import { claimed, completed, failed, progressed } from '../support/partition-events.ts'
import { silentLog } from '../support/silent-log.ts'
import { inBatches, toldInAnyOrder } from '../support/status-events.ts'

interface Writer extends HandFeed {
  readonly letters: DeadLetterMessage[]
}

function writer({ pool, schema }: ControlDatabase): Writer {
  const hand = handFeed()
  const letters: DeadLetterMessage[] = []
  createLedgerWriter({
    ...{ feed: hand.feed, topic: 'status', groupId: 'ledger', pool, schema, log: silentLog },
    deadLetters: { publish: async (some) => void letters.push(...some) },
    now: () => new Date(),
  })
  return { ...hand, letters }
}

/** A run as the planner leaves it. */
async function storedRun(
  { rows }: ControlDatabase,
  id: string,
  partitions: number,
  given: Record<string, unknown> = {},
): Promise<void> {
  const params = JSON.stringify(given.params ?? {})
  await rows(
    `insert into :schema.run (id, request_key, backfill, definition_hash, definition, params, target, target_id, state, bounds, range,
       plan_hash, partitions, planned_at) values ($1, $2, 'orders-v2', 'd', '{}', $3, $4, $4, 'running', '{}',
       '{"kind": "integer", "from": "0", "to": "100"}', 'p', $5, now())`,
    [id, given.requestKey ?? id, params, given.target ?? id, partitions],
  )
}

const { runId } = completed()
const partitionId = (n: number): string => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`
const totals = (rowsRead: number, chunks: number, contentHash = '0'): Totals => ({
  ...noTotals,
  ...{ rowsRead, rowsWritten: rowsRead, chunks, contentHash },
})

/** What the tables say, in the words of the pure merge. */
async function stored({ rows }: ControlDatabase): Promise<unknown> {
  const instant = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  const partitions =
    await rows(`select partition_id, run_id, epoch::int, sequence::int, rank::int, state, cursor, worker,
    topic_partition::int, reason, message, rows_read::int, chunks::int, content_hash::text, ${instant('state_at')} as state_at,
    ${instant('first_event_at')} as first_event_at, ${instant('last_event_at')} as last_event_at
    from :schema.ledger_partition order by partition_id`)
  const runs = await rows(`select run_id, request_key, plan_hash, ${instant('planned_at')} as planned_at, state,
    ${instant('ended_at')} as ended_at, partitions_failed::int, partitions_cancelled::int, totals from :schema.ledger_run order by run_id`)
  const answers = await rows(`select event_id, type, request_key, reasons, ${instant('answered_at')} as answered_at
    from :schema.ledger_request order by event_id`)
  const acknowledgements = await rows(`select run_id, worker, sequence::int, intent, at_start, ${instant('at')} as at
    from :schema.ledger_acknowledgement order by run_id, worker`)
  return { partitions, runs, answers, acknowledgements }
}

function merged(events: readonly PlacedEvent[]): unknown {
  const { partitions, runs, answers, acknowledgements } = mergeEvents(events)
  const by = <Item>(items: Iterable<Item>, id: (item: Item) => string): Item[] =>
    [...items].sort((a, b) => (id(a) < id(b) ? -1 : 1))
  return {
    partitions: by(partitions.values(), (at) => at.partitionId).map((at) => ({
      ...{
        partition_id: at.partitionId,
        run_id: at.runId,
        epoch: at.epoch,
        sequence: at.sequence,
        rank: at.rank,
        state: at.state,
      },
      ...{
        cursor: at.cursor,
        worker: at.worker,
        topic_partition: at.topicPartition,
        reason: at.reason,
        message: at.message,
      },
      ...{ rows_read: at.totals.rowsRead, chunks: at.totals.chunks, content_hash: at.totals.contentHash },
      ...{ state_at: at.stateAt, first_event_at: at.firstEventAt, last_event_at: at.lastEventAt },
    })),
    runs: by(runs.values(), (at) => at.runId).map(({ runId, planned, ended }) => ({
      run_id: runId,
      request_key: planned?.requestKey ?? null,
      plan_hash: planned?.planHash ?? null,
      planned_at: planned?.at ?? null,
      state: ended?.state ?? null,
      ended_at: ended?.at ?? null,
      partitions_failed: ended?.partitionsFailed ?? null,
      partitions_cancelled: ended?.partitionsCancelled ?? null,
      totals: ended?.totals ?? null,
    })),
    answers: by(answers.values(), (at) => at.eventId).map(({ eventId, answer }) => ({
      event_id: eventId,
      type: answer.type,
      request_key: answer.requestKey,
      reasons: 'reasons' in answer ? answer.reasons : null,
      answered_at: answer.at,
    })),
    acknowledgements: by(acknowledgements.values(), (at) => `${at.runId} ${at.worker}`).map(
      ({ runId, atStart, ...at }) => ({
        ...at,
        run_id: runId,
        at_start: atStart,
      }),
    ),
  }
}

describe('the tables', () => {
  test('say what the pure merge says, for any order, repetition and batching', async () => {
    const database = await controlDatabase()
    const property = fc.asyncProperty(
      toldInAnyOrder,
      fc.integer({ min: 1, max: 12 }),
      async ({ once, again }, perBatch) => {
        await database.rows(`truncate ${ledgerTables.map((table) => `:schema.${table}`).join(', ')}`)
        for (const events of inBatches(again, [perBatch]))
          await recordEvents(database.pool, database.schema, events, {
            topic: 't',
            topicPartition: 0,
            nextOffset: String(again.length),
          })
        expect(await stored(database)).toEqual(merged(once))
      },
    )
    await fc.assert(property, { numRuns: 60 })
  })
})

test('offsets are kept with the events, are where reading goes on, and never go back', async () => {
  const database = await controlDatabase()
  const { hand, startAt } = writer(database)
  expect(await startAt([0, 1])).toEqual(new Map())
  await hand([claimed(), progressed({ sequence: 1 })], { topicPartition: 0, offset: 5 })
  await hand([], { topicPartition: 1, offset: 3 })
  expect(await startAt([0, 1, 2])).toEqual(new Map([[0, '7']]))
  // A writer that lost the topic partition and does not know it yet.
  await hand([claimed()], { topicPartition: 0, offset: 5 })
  expect(await startAt([0])).toEqual(new Map([[0, '7']]))
  expect(await database.rows('select count(*)::int as n from :schema.ledger_event')).toEqual([{ n: 2 }])
})

test('events and offset are stored together or not at all', async () => {
  const database = await controlDatabase()
  const { hand, startAt } = writer(database)
  await hand([claimed()])
  await database.rows('alter table :schema.ledger_offset rename to away')
  await expect(hand([completed({ sequence: 1 })], { offset: 1 })).rejects.toThrow()
  await database.rows('alter table :schema.away rename to ledger_offset')
  expect(await startAt([0])).toEqual(new Map([[0, '1']]))
  expect(await database.rows('select state from :schema.ledger_partition')).toEqual([{ state: 'running' }])
  expect(await database.rows('select count(*)::int as n from :schema.ledger_event')).toEqual([{ n: 1 }])
})

test('what is no event, or cannot be stored, becomes a dead letter and holds up nothing', async () => {
  const database = await controlDatabase()
  const { hand, letters, startAt } = writer(database)
  const good = Array.from({ length: 40 }, (_, n) => completed({ partitionId: partitionId(n), index: n, sequence: 1 }))
  const bad: [number, unknown][] = [
    [3, 'not json'],
    [7, { ...completed(), type: 'partition.painted' }],
    [8, { ...completed(), totals: {} }],
    [20, failed({ partitionId: partitionId(98), message: 'a\0b' })],
    [21, claimed({ partitionId: partitionId(99), cursor: '\ud800' })],
    [30, { ...completed(), totals: { ...noTotals, contentHash: '9'.repeat(140_000) } }],
  ]
  const values: unknown[] = [...good]
  for (const [at, value] of bad) values.splice(at, 0, value)
  await hand(values, { offset: 100 })
  expect(letters.map(({ offset }) => Number(offset) - 100).sort((a, b) => a - b)).toEqual([3, 7, 8, 20, 21, 30])
  expect(await startAt([0])).toEqual(new Map([[0, '146']]))
  expect(
    await database.rows('select count(*)::int as n from :schema.ledger_partition where state = $1', ['completed']),
  ).toEqual([{ n: 40 }])
})

test('dead letters that cannot be kept hold the offset back', async () => {
  const database = await controlDatabase()
  const { feed, hand, startAt } = handFeed()
  createLedgerWriter({
    ...{
      feed,
      topic: 'status',
      groupId: 'ledger',
      pool: database.pool,
      schema: database.schema,
      log: silentLog,
      now: () => new Date(),
    },
    deadLetters: { publish: () => Promise.reject(new RetryableError('KAFKA_UNREACHABLE', 'away')) },
  })
  await expect(hand(['not json'])).rejects.toThrow('away')
  expect(await startAt([0])).toEqual(new Map())
})

test('two writers of one topic partition do not lock each other out', async () => {
  const database = await controlDatabase()
  const events = Array.from({ length: 300 }, (_, n) => progressed({ partitionId: partitionId(n % 60), sequence: n }))
  const hands = [writer(database), writer(database), writer(database)]
  await Promise.all(hands.map(({ hand }, n) => hand(n === 1 ? [...events].reverse() : events)))
  const [row] = await database.rows(
    'select count(*)::int as n, min(sequence)::int as least from :schema.ledger_partition',
  )
  expect(row).toEqual({ n: 60, least: 240 })
})

test('a run shows its partitions by state, its sums, and who did what', async () => {
  const database = await controlDatabase()
  await storedRun(database, runId, 4, { requestKey: 'orders/1', params: { from: 1, to: [2] } })
  const { hand } = writer(database)
  const at = (second: number): string => `2026-11-23T12:00:${String(second).padStart(2, '0')}.000000Z`
  const of = (n: number): { partitionId: string; index: number } => ({ partitionId: partitionId(n), index: n })
  await hand([
    claimed({ ...of(0), at: at(1) }),
    progressed({ ...of(0), sequence: 1, totals: totals(10, 1, '5'), at: at(2) }),
    // Taken over by another worker, which does the rest.
    claimed({ ...of(0), epoch: 2, sequence: 1, totals: totals(10, 1, '5'), worker: 'worker-2', at: at(3) }),
    completed({ ...of(0), epoch: 2, sequence: 3, totals: totals(30, 3, '15'), worker: 'worker-2', at: at(4) }),
    claimed({ ...of(1), worker: 'worker-2', at: at(5) }),
    failed({ ...of(2), sequence: 0, worker: 'worker-1', at: at(6) }),
    { version: 1, type: 'partition.republished', runId, backfill: 'orders-v2', ...of(1), message: '', at: at(7) },
  ])
  expect(await runSummary(database.pool, database.schema, runId)).toMatchObject({
    ...{ id: runId, requestKey: 'orders/1', state: 'running', params: { from: 1, to: [2] } },
    partitions: { total: 4, pending: 1, running: 1, completed: 1, failed: 1 },
    totals: { rowsRead: 30, rowsWritten: 30, rowsFiltered: 0, rowsRejected: 0, chunks: 3, contentHash: '15' },
    firstEventAt: '2026-11-23T12:00:01.000Z',
    lastEventAt: '2026-11-23T12:00:06.000Z',
    claims: 4,
    republished: 1,
    workers: [
      { worker: 'worker-1', partitions: 2, claims: 2, rowsRead: 10, chunks: 1 },
      { worker: 'worker-2', partitions: 2, claims: 2, rowsRead: 20, chunks: 2 },
    ],
    failures: [{ index: 2, reason: 'ROW_INVALID', message: 'amount is not a number' }],
  })
  expect(await liveRunOf(database.pool, database.schema, 'orders-v2', { to: [2], from: 1 })).toMatchObject({
    id: runId,
  })
  expect(await liveRunOf(database.pool, database.schema, 'orders-v2', { to: [3], from: 1 })).toBeNull()
})

test('a run that nothing has happened to yet, and one that does not exist', async () => {
  const database = await controlDatabase()
  await storedRun(database, runId, 4)
  const other = randomUUID()
  await storedRun(database, other, 2)
  expect(await runProgress(database.pool, database.schema, runId)).toMatchObject({
    partitions: { total: 4, pending: 4, running: 0, completed: 0, failed: 0 },
    totals: noTotals,
    firstEventAt: null,
  })
  expect((await listRuns(database.pool, database.schema)).map(({ id }) => id)).toEqual([other, runId])
  expect(await runSummary(database.pool, database.schema, randomUUID())).toBeNull()
})

test('a run shows what is wanted of it, by whom, and who obeys; cancelled partitions are counted', async () => {
  const database = await controlDatabase()
  const { hand } = writer(database)
  await storedRun(database, runId, 3)
  expect(await runIntent(database.pool, database.schema, runId)).toEqual({ state: 'running', intended: null })
  await database.rows(
    `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to", intent) values ($1, 1, $2, 'integer', '0', '1', 'paused')`,
    [runId, partitionId(1)],
  )
  await database.rows(
    `update :schema.run set state = 'paused', intent = 'paused', control_sequence = 2, intended_by = 'ana',
            intent_reason = 'busy', intended_at = '2026-11-23T12:00:00Z', tuned_at = '2026-11-23T12:00:00.5Z',
            rows_per_second = 200`,
  )
  const told = { version: 1, type: 'intent.acknowledged', runId, backfill: 'orders-v2', intent: 'paused' }
  await hand([
    { ...told, sequence: 2, worker: 'worker-1', atStart: false, at: '2026-11-23T12:00:01Z' },
    { ...told, sequence: 1, worker: 'worker-1', atStart: false, at: '2026-11-23T11:00:00Z' },
    { ...told, sequence: 1, worker: 'worker-2', atStart: true, at: '2026-11-23T11:00:00Z' },
    completed({ partitionId: partitionId(0), totals: totals(10, 1) }),
    {
      ...completed({ partitionId: partitionId(2), index: 2, epoch: 0 }),
      type: 'partition.cancelled',
      worker: 'unknown',
    },
  ])
  const summary = await runSummary(database.pool, database.schema, runId)
  expect(summary?.partitions).toEqual({ total: 3, pending: 1, running: 0, completed: 1, failed: 0, cancelled: 1 })
  expect(summary?.intended).toEqual({
    ...{ intent: 'paused', sequence: 2, at: '2026-11-23T12:00:00.000Z', by: 'ana', reason: 'busy' },
    changedAt: '2026-11-23T12:00:00.500Z',
    settings: { chunkRows: null, maxConcurrentPartitions: null, rowsPerSecond: 200 },
    partitions: [{ partitionId: partitionId(1), index: 1, intent: 'paused' }],
    acknowledged: [
      { worker: 'worker-1', sequence: 2, atStart: false, at: '2026-11-23T12:00:01.000Z' },
      { worker: 'worker-2', sequence: 1, atStart: true, at: '2026-11-23T11:00:00.000Z' },
    ],
  })
  expect(await runIntent(database.pool, database.schema, randomUUID())).toBeNull()
})

test('the answers to a request are found by its key', async () => {
  const database = await controlDatabase()
  const { hand } = writer(database)
  const answer = { version: 1, requestKey: 'orders/1', requestHash: 'a'.repeat(64), at: '2026-11-23T12:00:00Z' }
  await hand([
    { ...answer, type: 'request.accepted', runId, at: '2026-11-23T12:00:02Z' },
    { ...answer, type: 'request.rejected', reasons: ['params.to is missing'] },
    { ...answer, type: 'request.rejected', reasons: ['other'], requestKey: null },
  ])
  expect(await answersOf(database.pool, database.schema, 'orders/1')).toMatchObject([
    { type: 'request.rejected', reasons: ['params.to is missing'], runId: null },
    { type: 'request.accepted', reasons: null, runId, answeredAt: '2026-11-23T12:00:02.000Z' },
  ])
})

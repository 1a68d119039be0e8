// Risk: a person asks why a partition is late, and is told nothing, something else's history, or has to wait for it.
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { expect, inject, test } from 'vitest'
import { noTotals } from '../../src/contract/certificate.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { explainPartition } from '../../src/explain/explain.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { claimed, completed, progressed } from '../support/partition-events.ts'
import { plannedRun } from '../support/planned-run.ts'
import { startTidemark } from '../support/tidemark-process.ts'

const at = (second: number): string => `2026-11-23T12:00:${String(second).padStart(2, '0')}.000000Z`
const nowMs = Date.parse('2026-11-23T12:01:00Z')
const rows = (rowsRead: number, chunks: number) => ({ ...noTotals, rowsRead, rowsWritten: rowsRead, chunks })
const backfill = 'orders-v2'

const record = ({ pool, schema }: ControlDatabase, events: readonly StatusEvent[]): Promise<void> =>
  recordEvents(
    pool,
    schema,
    events.map((event, offset) => ({ event, offset: String(offset) })),
    { topic: 't', topicPartition: 0, nextOffset: String(events.length) },
  )

test('a partition has its own history, that of its run, and what is said about it, and no other', async () => {
  const database = await controlDatabase()
  const { runId, partitionIds } = await plannedRun(database)
  const [first = '', second = '', third = ''] = partitionIds
  const of = (partitionId: string) => ({ runId, partitionId, index: partitionIds.indexOf(partitionId) })
  const asked = { version: 1 as const, runId, backfill, requestKey: 'k', requestedBy: 'ana', reason: 'busy' }
  const alert = { version: 1 as const, kind: 'partitionSlow' as const, severity: 'warning' as const }
  await database.rows(
    `update :schema.run set state = 'paused', intent = 'paused', control_sequence = 1, intended_by = 'ana',
            intent_reason = 'busy', intended_at = '2026-11-23T12:00:30Z'`,
  )
  await record(database, [
    ...[first, third].flatMap((partitionId) => [
      claimed({ ...of(partitionId), at: at(1) }),
      completed({ ...of(partitionId), at: at(3), sequence: 1, totals: rows(1_000, 1) }),
    ]),
    claimed({ ...of(second), at: at(2) }),
    progressed({ ...of(second), at: at(12), sequence: 1, totals: rows(500, 1) }),
    claimed({ ...of(second), at: at(20), epoch: 2, sequence: 1, totals: rows(500, 1), worker: 'worker-2' }),
    { ...asked, type: 'run.paused', sequence: 1, at: at(30) },
    { ...asked, runId: randomUUID(), type: 'run.paused', sequence: 1, at: at(31) },
    {
      ...alert,
      type: 'alert.raised',
      alertId: randomUUID(),
      about: of(second),
      message: 'slow',
      remedy: 'wait',
      at: at(25),
    },
    {
      ...alert,
      type: 'alert.raised',
      alertId: randomUUID(),
      about: of(first),
      message: 'not mine',
      remedy: 'wait',
      at: at(25),
    },
    {
      ...{ version: 1, type: 'partition.republished', runId, backfill, message: 'no open task', at: at(19) },
      ...{ partitionId: second, index: 1 },
    },
  ])
  const byPlace = await explainPartition(database.pool, database.schema, { runId, index: 1 }, nowMs)
  expect(byPlace).toEqual(await explainPartition(database.pool, database.schema, { partitionId: second }, nowMs))
  expect(byPlace).toMatchObject({
    ...{ partitionId: second, runId, index: 1, backfill, state: 'running' },
    planned: { range: { kind: 'integer', from: '10', to: '20' }, estimatedRows: null, intent: null },
  })
  expect(byPlace.timeline.map(({ text }) => text)).toEqual([
    'claimed by worker-1 (epoch 1, task in topic partition 0)',
    'chunk 1: 500 rows; read 1ms, transform 1ms, write 1ms',
    'its task was published again: no open task',
    'taken over from worker-1 by worker-2, after 8.0s of silence (epoch 2, task in topic partition 0)',
    'alert (warning): slow',
    'its run was paused by ana (busy)',
  ])
  expect(byPlace.why.map(({ kind }) => kind)).toEqual([
    ...['alert', 'paused', 'running', 'stages', 'takenOver', 'republished'],
  ])
  expect(byPlace.why[1]?.text).toBe('Its run is paused by ana (busy), since 2026-11-23T12:00:30.000Z.')

  // The median of the two others, one of which it is itself.
  const other = await explainPartition(database.pool, database.schema, { partitionId: first }, nowMs)
  expect(other.why.find(({ kind }) => kind === 'completed')?.text).toBe(
    'It completed at 2026-11-23T12:00:03.000000Z, 2.0s after it was first claimed: 1,000 rows, 500 rows/s; the median of its run is 2.0s.',
  )
  expect(other.timeline).toHaveLength(4)
})

test('a partition of which nothing was told yet is explained by the plan alone', async () => {
  const database = await controlDatabase()
  const { runId } = await plannedRun(database)
  await database.rows(`update :schema.run set published = 1, max_concurrent_partitions = 1`)
  const { state, why, timeline } = await explainPartition(database.pool, database.schema, { runId, index: 1 }, nowMs)
  expect({ state, timeline }).toEqual({ state: 'pending', timeline: [] })
  expect(why).toMatchObject([
    { kind: 'unpublished', remedy: expect.stringContaining('no more than 1 task of the run may be open') },
  ])
})

test('by a ledger alone, as it is rebuilt from the topic, with what was wanted of the run', async () => {
  const database = await controlDatabase()
  const { runId, partitionId, index } = completed()
  const asked = { version: 1 as const, runId, backfill, requestKey: 'k', requestedBy: 'ana', reason: null }
  await record(database, [
    claimed({ at: at(1) }),
    { ...asked, type: 'run.paused', sequence: 2, at: at(3) },
    {
      version: 1,
      type: 'intent.acknowledged',
      runId,
      backfill,
      sequence: 2,
      intent: 'paused',
      worker: 'worker-1',
      atStart: false,
      at: at(4),
    },
  ])
  const explained = await explainPartition(database.pool, database.schema, { runId, index }, nowMs)
  expect(explained).toMatchObject({ partitionId, planned: null, state: 'running' })
  expect(explained.why[0]).toMatchObject({ kind: 'paused', text: `Its run is paused by ana, since ${at(3)}.` })
})

test('a name that is wrong is answered with what is right', async () => {
  const database = await controlDatabase()
  const { runId } = await plannedRun(database)
  const planning = await plannedRun(database, 'planning')
  await database.rows('update :schema.run set plan_cursor = 0 where id = $1', [planning.runId])
  const asked = (ref: Parameters<typeof explainPartition>[2]) =>
    explainPartition(database.pool, database.schema, ref, nowMs)
  const nobody = randomUUID()
  await expect(asked({ partitionId: nobody })).rejects.toThrow(
    `no partition ${nobody} is known here; "tidemark status" lists the runs`,
  )
  await expect(asked({ partitionId: runId })).rejects.toThrow(
    `${runId} is a run: name one of its partitions, ${runId}/0 to ${runId}/2`,
  )
  await expect(asked({ runId, index: 3 })).rejects.toThrow(
    `run ${runId} has no partition 3: name one of its partitions, ${runId}/0 to ${runId}/2`,
  )
  await expect(asked({ runId: nobody, index: 0 })).rejects.toThrow(
    `no run ${nobody} is known here; "tidemark status" lists them`,
  )
  await expect(asked({ runId: planning.runId, index: 9 })).rejects.toThrow('none of its partitions is planned yet')
})

test('the command says it in sentences, and as JSON with everything', async () => {
  const database = await controlDatabase()
  const { runId, partitionIds } = await plannedRun(database)
  const of = { runId, partitionId: partitionIds[2] ?? '', index: 2 }
  await record(database, [
    claimed({ ...of, at: at(1) }),
    ...Array.from({ length: 20 }, (_, n) =>
      progressed({ ...of, at: at(n + 2), sequence: n + 1, totals: rows((n + 1) * 100, n + 1) }),
    ),
    completed({ ...of, at: at(22), sequence: 20, totals: rows(2_000, 20) }),
  ])
  const env = { PATH: process.env['PATH'], DATABASE_URL: inject('DATABASE_URL'), TIDEMARK_SCHEMA: database.schema }
  const run = (...args: string[]) => startTidemark(['explain', ...args], tmpdir(), env).ended

  const told = await run(`${runId}/2`)
  expect(told.code, told.stderr).toBe(0)
  const lines = told.stdout.split('\n')
  expect(lines.slice(0, 7)).toEqual([
    `partition 2 of run ${runId} (orders-v2): completed`,
    `  id     ${of.partitionId}`,
    '  range  from 20 to before 30',
    '',
    'why',
    '  It completed at 2026-11-23T12:00:22.000000Z, 21.0s after it was first claimed: 2,000 rows, 95 rows/s.',
    expect.stringMatching(/^ {2}Most of its time went into waiting: \d+ % of 20\.\ds\.$/),
  ])
  expect(lines).toContain(
    '  2026-11-23T12:00:01.000Z             claimed by worker-1 (epoch 1, task in topic partition 0)',
  )
  expect(lines).toContain('  … 15 chunks, 1,500 rows, 15.0s …')

  const json = await run(of.partitionId, '--json')
  const whole = JSON.parse(json.stdout) as { timeline: unknown[]; state: string }
  expect(whole.timeline).toHaveLength(22)
  expect(whole.state).toBe('completed')

  const wrong = await run('orders-v2')
  expect(wrong.code).toBe(5)
  expect(wrong.stderr).toContain('"orders-v2" names no partition: give its id, or RUN/INDEX')
})

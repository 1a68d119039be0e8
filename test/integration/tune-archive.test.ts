// Risk: a run is tuned twice, or not at all, by one request; its settings get lost in the message of a later pause; a
// live run is archived, or one that is archived twice has two stories.
import { expect, test } from 'vitest'
import type { ControlMessage } from '../../src/contract/control.ts'
import type { ArchiveRequest, IntentRequest, TuneRequest } from '../../src/contract/request.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { runIntent } from '../../src/ledger/intent-queries.ts'
import { listRuns } from '../../src/ledger/query/list-runs.ts'
import { createAdmissionStore } from '../../src/plan/admission-store.ts'
import { requestHashOf } from '../../src/plan/answer.ts'
import { type ArchiveDeps, archiveRun } from '../../src/plan/archive-run.ts'
import { createArchiveStore } from '../../src/plan/archive-store.ts'
import { createIntentStore } from '../../src/plan/intent-store.ts'
import { createRunStore } from '../../src/plan/run-store.ts'
import { type SetIntentDeps, setIntent } from '../../src/plan/set-intent.ts'
import { type TuneDeps, tuneRun } from '../../src/plan/tune-run.ts'
import { createTuneStore } from '../../src/plan/tune-store.ts'
import { createLiveRuns } from '../../src/supervise/live-runs.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { plannedRun } from '../support/planned-run.ts'
import { silentLog } from '../support/silent-log.ts'

interface World {
  readonly database: ControlDatabase
  readonly runId: string
  readonly control: ControlMessage[]
  readonly events: StatusEvent[]
}
type Deps = SetIntentDeps & TuneDeps & ArchiveDeps

async function world(state?: 'planning'): Promise<World> {
  const database = await controlDatabase()
  const { runId } = await plannedRun(database, state)
  return { database, runId, control: [], events: [] }
}

const depsOf = ({ database: { pool, schema }, control, events }: World): Deps => ({
  runs: createRunStore(pool, schema, 10),
  intents: createIntentStore(pool, schema),
  tunings: createTuneStore(pool, schema),
  archives: createArchiveStore(pool, schema),
  control: { publish: async (message) => void control.push(message), clear: async () => {} },
  status: { publish: async (some) => void events.push(...some) },
  now: () => new Date(),
  log: silentLog,
})

let offset = 0
type Any = TuneRequest | ArchiveRequest | IntentRequest
/** The record that a request comes in; the same object again is a redelivery. */
function recordOf<Request extends Any>(request: Request) {
  offset += 1
  const requestHash = requestHashOf(request, Buffer.alloc(0))
  return { requestKey: request.requestKey, requestHash, request, record: { topicPartition: 0, offset: String(offset) } }
}
const named = (type: string): string => `${type}/${offset + 1}`
const tune = ({ runId }: World, given: Partial<TuneRequest>) =>
  recordOf<TuneRequest>({ version: 1, type: 'tune', requestKey: named('tune'), runId, ...given })
const archive = ({ runId }: World, given: Partial<ArchiveRequest> = {}) =>
  recordOf<ArchiveRequest>({ version: 1, type: 'archive', requestKey: named('archive'), runId, ...given })
const pause = ({ runId }: World) =>
  recordOf<IntentRequest>({ version: 1, type: 'pause', requestKey: named('pause'), runId })

const types = ({ events }: World): string[] => events.map(({ type }) => type)
const reasons = ({ events }: World): readonly string[] =>
  events.flatMap((event) => (event.type === 'request.rejected' ? event.reasons : []))
const runOf = async ({ database }: World): Promise<Record<string, unknown> | undefined> =>
  (
    await database.rows(
      `select chunk_rows::int, rows_per_second::int, max_concurrent_partitions::int, priority::int, weight::int,
              control_sequence::int as sequence from :schema.run`,
    )
  )[0]
const ended = ({ database }: World): Promise<unknown> =>
  database.rows(`update :schema.run set state = 'completed', ended_at = now()`)

test('a tuned run: what holds, the history, the control message, the event with old and new values, and the answer', async () => {
  const around = await world()
  const deps = depsOf(around)
  await tuneRun(deps, tune(around, { chunkRows: 500, rowsPerSecond: 2_000, requestedBy: 'ana', reason: 'slowly' }))
  await tuneRun(deps, tune(around, { chunkRows: null, priority: -3, maxConcurrentPartitions: 4, rowsPerSecond: 2_000 }))
  expect(await runOf(around)).toEqual({
    ...{ chunk_rows: null, rows_per_second: 2_000, max_concurrent_partitions: 4, priority: -3, weight: 1, sequence: 2 },
  })
  const settings = { chunkRows: 500, rowsPerSecond: 2_000, maxConcurrentPartitions: null }
  expect(around.control).toMatchObject([
    { sequence: 1, intent: 'running', settings, requestedBy: 'ana', reason: 'slowly', backfill: 'orders-v2' },
    { sequence: 2, intent: 'running', settings: { chunkRows: null, rowsPerSecond: 2_000, maxConcurrentPartitions: 4 } },
  ])
  expect(around.control[1]).not.toHaveProperty('requestedBy')
  expect(types(around)).toEqual(['run.tuned', 'request.accepted', 'run.tuned', 'request.accepted'])
  expect(around.events[0]).toMatchObject({
    ...{ runId: around.runId, sequence: 1, requestedBy: 'ana', reason: 'slowly' },
    changes: { chunkRows: { from: null, to: 500 }, rowsPerSecond: { from: null, to: 2_000 } },
  })
  const changes = {
    chunkRows: { from: 500, to: null },
    maxConcurrentPartitions: { from: null, to: 4 },
    priority: { from: 0, to: -3 },
  }
  expect(around.events[2]).toMatchObject({ sequence: 2, requestedBy: null, changes })
  const history = await around.database.rows(
    'select sequence::int, type, from_intent, to_intent, from_state, to_state, changes from :schema.run_intent order by sequence desc',
  )
  const kept = { from_intent: 'running', to_intent: 'running', from_state: 'running', to_state: 'running' }
  expect(history).toMatchObject([{ sequence: 2, type: 'tune', ...kept, changes }, { sequence: 1 }])
})

test('a pause keeps the settings, and what is tuned while paused leaves the pause as it is', async () => {
  const around = await world()
  const deps = depsOf(around)
  await tuneRun(deps, tune(around, { chunkRows: 500 }))
  await setIntent(deps, pause(around))
  await tuneRun(deps, tune(around, { rowsPerSecond: 10 }))
  expect(around.control.map(({ intent, settings }) => [intent, settings?.chunkRows, settings?.rowsPerSecond])).toEqual([
    ['running', 500, null],
    ['paused', 500, null],
    ['paused', 500, 10],
  ])
  const { pool, schema } = around.database
  const found = await runIntent(pool, schema, around.runId)
  expect(found?.intended).toMatchObject({
    intent: 'paused',
    sequence: 3,
    settings: { chunkRows: 500, rowsPerSecond: 10 },
  })
  expect(Date.parse(found?.intended?.changedAt ?? '')).toBeGreaterThan(Date.parse(found?.intended?.at ?? ''))
  // The supervisor waits for acknowledgements from the last change on.
  const [live] = await createLiveRuns(pool, schema).list()
  expect(live?.intendedAt?.toISOString()).toBe(found?.intended?.changedAt)
})

test('a run that was only tuned was never asked to be anything', async () => {
  const around = await world()
  await tuneRun(depsOf(around), tune(around, { weight: 7 }))
  const { pool, schema } = around.database
  expect((await runIntent(pool, schema, around.runId))?.intended).toMatchObject({
    intent: 'running',
    at: null,
    by: null,
  })
})

test('refused: a run that is unknown, that has ended, that is being cancelled, and what holds already', async () => {
  const around = await world()
  const deps = depsOf(around)
  const { runId } = around
  const unknown = '019aa000-0000-7000-8000-000000000001'
  await tuneRun(deps, tune(around, { runId: unknown, weight: 2 }))
  await tuneRun(deps, tune(around, { weight: 1, chunkRows: null }))
  await around.database.rows(`update :schema.run set state = 'cancelling', intent = 'cancelled'`)
  await tuneRun(deps, tune(around, { weight: 2 }))
  await around.database.rows(`update :schema.run set state = 'cancelled', ended_at = now()`)
  await tuneRun(deps, tune(around, { weight: 2 }))
  expect(reasons(around)).toEqual([
    `tune of run ${unknown}: no such run is known`,
    `tune of run ${runId}: nothing would change, for chunkRows is what the definition says and weight is 1 already`,
    `tune of run ${runId}: it is being cancelled, which is for good`,
    `tune of run ${runId}: it is cancelled, nothing is done for it any more`,
  ])
  expect(around.control).toEqual([])
})

test('an archived run: told once, out of the lists, its key taken for ever; it deletes nothing', async () => {
  const around = await world()
  const deps = depsOf(around)
  const { pool, schema } = around.database
  const first = archive(around, { requestKey: 'away', requestedBy: 'ana', reason: 'checked' })
  await archiveRun(deps, first)
  expect(reasons(around)).toEqual([
    `archive of run ${around.runId}: it is running; only a run that has ended can be archived`,
  ])
  await ended(around)
  around.events.length = 0
  // A rejected key may be used again.
  await archiveRun(deps, first)
  expect(around.events).toMatchObject([
    { type: 'run.archived', runId: around.runId, requestKey: 'away', requestedBy: 'ana', reason: 'checked' },
    { type: 'request.accepted', runId: around.runId },
  ])
  expect(around.control).toEqual([])
  expect(await listRuns(pool, schema)).toEqual([])
  expect(await listRuns(pool, schema, true)).toMatchObject([{ id: around.runId, archivedAt: expect.any(String) }])
  expect(await around.database.rows('select from :schema.partition')).toHaveLength(3)
  await archiveRun(deps, archive(around, { requestKey: 'away', reason: 'checked' }))
  expect(types(around).slice(2)).toEqual(['request.duplicate'])
  await archiveRun(deps, archive(around))
  await archiveRun(deps, archive(around, { runId: '019aa000-0000-7000-8000-000000000001' }))
  await tuneRun(deps, tune(around, { requestKey: 'away', weight: 2 }))
  expect(reasons(around)).toEqual([
    expect.stringContaining('it is archived already, since 20'),
    'archive of run 019aa000-0000-7000-8000-000000000001: no such run is known',
    `request key "away" belongs to run ${around.runId} and to another request: use another request key`,
  ])
})

const died = (): Promise<never> => Promise.reject(new Error('the process died here'))
const steps: [string, (deps: Deps) => Deps][] = [
  [
    'before the transaction',
    (deps) => ({
      ...deps,
      tunings: { ...deps.tunings, write: died },
      archives: { ...deps.archives, write: died },
    }),
  ],
  ['after the transaction', (deps) => ({ ...deps, mark: async (name) => (name === 'C1' ? died() : undefined) })],
  ['before the event', (deps) => ({ ...deps, mark: async (name) => (name === 'P2' ? died() : undefined) })],
  [
    'before the answer',
    (deps) => ({
      ...deps,
      status: { publish: async (some) => (some[0]?.type === 'request.accepted' ? died() : deps.status.publish(some)) },
    }),
  ],
  [
    'after the answer',
    (deps) => ({
      ...deps,
      status: {
        publish: async (some) => {
          await deps.status.publish(some)
          if (some[0]?.type === 'request.accepted') await died()
        },
      },
    }),
  ],
]

test.each(steps)(
  'a planner that dies %s: redelivered, each has one effect, one event and one answer',
  async (_at, wrap) => {
    const around = await world()
    const tuning = tune(around, { chunkRows: 500 })
    await expect(tuneRun(wrap(depsOf(around)), tuning)).rejects.toThrow('the process died here')
    await tuneRun(depsOf(around), tuning)
    expect(await runOf(around)).toMatchObject({ chunk_rows: 500, sequence: 1 })
    expect(new Set(around.control.map(({ sequence, settings }) => `${sequence} ${settings?.chunkRows}`))).toEqual(
      new Set(['1 500']),
    )
    expect(new Set(types(around))).toEqual(new Set(['run.tuned', 'request.accepted']))
    for (const event of around.events)
      if (event.type === 'run.tuned')
        expect(event).toMatchObject({ sequence: 1, changes: { chunkRows: { from: null, to: 500 } } })
    await ended(around)
    around.events.length = 0
    const archiving = archive(around)
    await expect(archiveRun(wrap(depsOf(around)), archiving)).rejects.toThrow('the process died here')
    await archiveRun(depsOf(around), archiving)
    expect(new Set(types(around))).toEqual(new Set(['run.archived', 'request.accepted']))
    expect(await around.database.rows('select archived_for from :schema.run')).toEqual([
      { archived_for: archiving.requestKey },
    ])
  },
)

test('requests at the same moment are judged one after the other', async () => {
  const around = await world()
  await Promise.all([
    ...Array.from({ length: 4 }, () => tuneRun(depsOf(around), tune(around, { chunkRows: 500 }))),
    setIntent(depsOf(around), pause(around)),
  ])
  expect(types(around).filter((type) => type === 'run.tuned')).toHaveLength(1)
  expect(reasons(around)).toHaveLength(3)
  expect(await runOf(around)).toMatchObject({ sequence: 2, chunk_rows: 500 })
  expect(around.control.at(-1)).toMatchObject({ sequence: 2, intent: 'paused', settings: { chunkRows: 500 } })
  await ended(around)
  await Promise.all(Array.from({ length: 4 }, () => archiveRun(depsOf(around), archive(around))))
  expect(types(around).filter((type) => type === 'run.archived')).toHaveLength(1)
  expect(reasons(around)).toHaveLength(6)
})

test('the queue goes by the priority as it is tuned', async () => {
  const around = await world()
  const { pool, schema, rows } = around.database
  const waiting = [await plannedRun(around.database, 'planning'), await plannedRun(around.database, 'planning')]
  await rows(`update :schema.run set state = 'queued' where state = 'planning'`)
  const last = waiting[1]?.runId ?? ''
  await tuneRun(depsOf(around), tune(around, { runId: last, priority: 9 }))
  const { admitted } = await createAdmissionStore(pool, schema, 2).admit()
  expect(admitted).toEqual([last])
})

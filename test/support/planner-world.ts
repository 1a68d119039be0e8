import { v7 as uuidV7 } from 'uuid'
import { z } from 'zod'
import type { ControlMessage } from '../../src/contract/control.ts'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { writePlace } from '../../src/contract/key-place.ts'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { definitionHash, describeBackfill } from '../../src/define/describe.ts'
import type { Definitions, DiscoveredBackfill } from '../../src/define/discover.ts'
import { dryRun } from '../../src/dry-run/dry-run.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, type Limits, partition } from '../../src/index.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { createAdmissionStore } from '../../src/plan/admission-store.ts'
import { createArchiveStore } from '../../src/plan/archive-store.ts'
import { createIntentStore } from '../../src/plan/intent-store.ts'
import { makePlans, type PlanMakerDeps } from '../../src/plan/make-plans.ts'
import { createPlanner, type PlannerDeps } from '../../src/plan/planner.ts'
import { publishTasks, type TaskPublisherDeps } from '../../src/plan/publish-tasks.ts'
import { createRunStore, type RunStore } from '../../src/plan/run-store.ts'
import { createTuneStore } from '../../src/plan/tune-store.ts'
import type { Sink, SinkTarget } from '../../src/sink/sink.ts'
import type { Source } from '../../src/source/source.ts'
import { type ControlDatabase } from './control-database.ts'
import { handFeed } from './hand-feed.ts'
import { completed, failed } from './partition-events.ts'
import { silentLog } from './silent-log.ts'

const Row = z.object({ id: z.string() })
const params = z.object({ from: z.int(), to: z.int(), region: z.enum(['eu', 'us']).default('eu') })

export function discovered(id: string, size: number, table = 'orders_v2', limits: Limits = {}): DiscoveredBackfill {
  const backfill = defineBackfill({
    id,
    params,
    source: postgres.table('orders', { schema: Row, key: 'id' }),
    partitionBy: partition.byKey('id', { size, bounds: { from: 'from', to: 'to' } }),
    sink: postgres.upsert(table, { schema: Row, key: ['id'] }),
    limits,
  })
  return {
    backfill,
    file: '/definitions/a.ts',
    folder: '/definitions',
    hash: definitionHash(describeBackfill({ backfill })),
  }
}

export function definitionsOf(...all: DiscoveredBackfill[]): Definitions {
  return {
    all: () => all,
    get: (id) => {
      const found = all.find(({ backfill }) => backfill.id === id)
      if (found === undefined) throw new TerminalError('DEFINITION_UNKNOWN', `no backfill has the id "${id}"`)
      return found
    },
  }
}

export const keyList = (values: string[]): PinnedBounds => ({
  ...{ kind: 'key', columns: ['id'], values, spread: [], estimatedRows: null },
  from: writePlace({ values: values.slice(0, 1), after: false }),
  to: writePlace({ values: values.slice(-1), after: true }),
})

export const targetOf = (table: string): SinkTarget => ({ id: `1/test/${table}`, name: `localhost:5432/test/${table}` })

/** What a planner reads and writes besides the control database, which is real. */
export interface World {
  /** What the source has now; rows are added while a plan is being made. */
  lastKey: number
  problems: { source?: TerminalError; sink?: TerminalError }
  definitions: Definitions
  /** Open tasks of a run. */
  window: number
  liveRuns: number
  readonly control: ControlMessage[]
  readonly tasks: TaskMessage[]
  readonly events: StatusEvent[]
}

export const world = (): World => ({
  lastKey: 0,
  problems: {},
  window: 1_000_000,
  liveRuns: 10,
  definitions: definitionsOf(discovered('orders-v2', 10), discovered('trips', 10)),
  control: [],
  tasks: [],
  events: [],
})

export const start = (given: object = {}): object => ({
  ...{ version: 1, type: 'start', requestKey: 'orders/1', backfill: 'orders-v2', params: { from: 0, to: 100 } },
  ...given,
})

export type AllDeps = PlannerDeps & PlanMakerDeps & TaskPublisherDeps
export interface Wrap {
  (deps: AllDeps): AllDeps
}

/**
 * A planner process; another call is another process on the same database. What was accepted is planned and published
 * when the records that were handed over are answered. All of them lead: what they do must stand two at once.
 */
export function planner(
  { pool, schema }: ControlDatabase,
  around: World,
  wrap: Wrap = (deps) => deps,
): ReturnType<typeof handFeed>['hand'] {
  const { feed, hand } = handFeed()
  const source = {
    check: async () => {
      if (around.problems.source) throw around.problems.source
    },
    pin: async (_by: unknown, asked: Record<string, unknown>): Promise<PinnedBounds> =>
      Array.isArray(asked.keys)
        ? keyList(asked.keys.map(String))
        : {
            ...{ kind: 'integer', column: 'id', estimatedRows: null },
            from: String(asked.from),
            to: String(Number(asked.to) + around.lastKey),
          },
  } as unknown as Source
  const sink = {
    check: async () => {
      if (around.problems.sink) throw around.problems.sink
    },
    buffer: () => ({}),
  } as unknown as Sink
  const deps = wrap({
    feed,
    topic: 'requests',
    groupId: 'planner',
    definitions: around.definitions,
    leadership: { held: async () => true, resign: async () => {} },
    runs: createRunStore(pool, schema, around.liveRuns),
    admission: createAdmissionStore(pool, schema, around.liveRuns),
    intents: createIntentStore(pool, schema),
    tunings: createTuneStore(pool, schema),
    archives: createArchiveStore(pool, schema),
    control: {
      publish: async (message) => void around.control.push(message),
      clear: async () => {},
    },
    tasks: { publish: async (tasks) => void around.tasks.push(...tasks) },
    status: { publish: async (events) => void around.events.push(...events) },
    openSource: () => source,
    openSink: async ({ backfill }) => ({ ...sink, target: async () => targetOf(backfill.sink.table) }),
    room: { window: around.window, batch: 500, isStalled: () => false },
    dryRun: async ({ backfill, params, reprocess = 'all' }, signal) => {
      const found = around.definitions.get(backfill)
      const runs = createRunStore(pool, schema, around.liveRuns)
      return dryRun(
        {
          source,
          sink: { ...sink, target: async () => targetOf(found.backfill.sink.table) },
          ...{ earlier: runs, liveRunOn: runs.liveRunOn, random: () => 0.5 },
        },
        found,
        { params, reprocess, lists: 'all', workers: null },
        signal,
      )
    },
    planSoon: () => {},
    publishSoon: () => {},
    now: () => new Date(),
    newRunId: () => uuidV7(),
    log: silentLog,
  })
  createPlanner(deps)
  const { signal } = new AbortController()
  return async (...given) => {
    await hand(...given)
    while (await makePlans(deps, signal).catch(isOvertaken));
    while (await publishTasks(deps, signal));
  }
}

/** Another planner was faster: to be looked at again, as the loop does. */
export function isOvertaken(error: unknown): true {
  if (error instanceof RetryableError && error.code === 'OUTCOME_UNKNOWN') return true
  throw error
}

export const types = (around: World): string[] => around.events.map(({ type }) => type)
export const reasons = (around: World): readonly string[] =>
  around.events.flatMap((event) => (event.type === 'request.rejected' ? event.reasons : []))
export const bounds = ({ from, to }: { from: string; to: string }): string => `${from}-${to}`

export const crash = (): never => {
  throw new RetryableError('KAFKA_UNREACHABLE', 'the process died here')
}
/** Dies when the method is called for the nth time: before it acted, or after. */
export function dies<Port extends object>(port: Port, method: keyof Port, when: 'before' | 'after', nth = 1): Port {
  let calls = 0
  const act = port[method] as (...given: unknown[]) => Promise<unknown>
  const dying = async (...given: unknown[]): Promise<unknown> => {
    calls += 1
    if (calls === nth && when === 'before') crash()
    const result = await act(...given)
    if (calls === nth && when === 'after') crash()
    return result
  }
  return { ...port, [method]: dying }
}
export const inRuns =
  (method: keyof RunStore, when: 'before' | 'after', nth?: number): Wrap =>
  (deps) => ({ ...deps, runs: dies(deps.runs, method, when, nth) })

/** The run ends, with the partitions of these indexes failed. */
export async function endWith(database: ControlDatabase, around: World, failedAt: readonly number[]): Promise<string> {
  const [run] = await database.rows(`select id from :schema.run where state = 'running'`)
  const runId = String(run?.id)
  const ends = around.tasks
    .filter((task) => task.runId === runId)
    .map(({ partitionId, index }) => {
      const of = { partitionId, runId, index }
      return failedAt.includes(index) ? failed({ ...of, reason: 'ROW_INVALID', message: 'bad' }) : completed(of)
    })
  const placed = ends.map((event, at) => ({ event, offset: String(at) }))
  await recordEvents(database.pool, database.schema, placed, { topic: runId, topicPartition: 0, nextOffset: '1' })
  await database.rows(`update :schema.run set state = 'failed', ended_at = now() where id = '${runId}'`)
  return runId
}
export const retry = (runId: string, given: object = {}): object => ({
  ...{ version: 1, type: 'retry', requestKey: `retry/${runId}`, runId },
  ...given,
})

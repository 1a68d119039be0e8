import { v7 as uuidV7 } from 'uuid'
import { TerminalError } from '../../src/contract/errors.ts'
import type { RequestMessageInput } from '../../src/contract/request.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { Backfill } from '../../src/define/define-backfill.ts'
import { definitionHash, describeBackfill } from '../../src/define/describe.ts'
import type { Definitions } from '../../src/define/discover.ts'
import { createArchiveStore } from '../../src/plan/archive-store.ts'
import { createIntentStore } from '../../src/plan/intent-store.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { createRunStore } from '../../src/plan/run-store.ts'
import { createTuneStore } from '../../src/plan/tune-store.ts'
import type { Sink } from '../../src/sink/sink.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import type { Source } from '../../src/source/source.ts'
import type { ControlDatabase } from './control-database.ts'
import { handFeed } from './hand-feed.ts'
import { silentLog } from './silent-log.ts'

/** A planner that answers requests on a real control database, and looks at real tables; its topics are lists. */
export interface AnsweringPlanner {
  readonly definitions: Definitions
  readonly events: StatusEvent[]
  /** Hands a request over, as a record of its own. */
  answer(request: RequestMessageInput): Promise<void>
  openSource(this: void): Source
  /** How long it waits for transactions to end, from now on. At first a second. */
  settleWithin(ms: number): void
}

export function answeringPlanner({ pool, schema }: ControlDatabase, ...backfills: Backfill[]): AnsweringPlanner {
  const { feed, hand } = handFeed()
  const events: StatusEvent[] = []
  const definitions = definitionsOf(backfills)
  let settleMs = 1_000
  const openSource = (): Source => {
    const [first] = backfills
    if (first?.source.kind !== 'postgres.table') throw new Error('the first definition reads no table')
    return openPostgresTable(first.source, { pool, partitionBy: first.partitionBy, settleMs })
  }
  createPlanner({
    ...{ feed, topic: 'requests', groupId: 'planner', definitions, openSource },
    runs: createRunStore(pool, schema, 100),
    intents: createIntentStore(pool, schema),
    tunings: createTuneStore(pool, schema),
    archives: createArchiveStore(pool, schema),
    control: { publish: async () => {}, clear: async () => {} },
    status: { publish: async (told) => void events.push(...told) },
    openSink: async ({ backfill: { sink } }) =>
      ({
        check: async () => {},
        buffer: () => ({}),
        target: async () => ({ id: sink.table, name: sink.table }),
      }) as unknown as Sink,
    dryRun: () => Promise.reject(new Error('no dry run is asked for here')),
    ...{ planSoon: () => {}, now: () => new Date(), newRunId: () => uuidV7(), log: silentLog },
  })
  let offset = 0
  return {
    ...{ definitions, events, openSource },
    answer: (request) => hand([request], { offset: offset++ }),
    settleWithin: (ms) => {
      settleMs = ms
    },
  }
}

function definitionsOf(backfills: readonly Backfill[]): Definitions {
  const all = backfills.map((backfill) => ({
    ...{ backfill, file: '/definitions/a.ts', folder: '/definitions' },
    hash: definitionHash(describeBackfill({ backfill })),
  }))
  return {
    all: () => all,
    get: (id) => {
      const found = all.find(({ backfill }) => backfill.id === id)
      if (found === undefined) throw new TerminalError('DEFINITION_UNKNOWN', `no backfill has the id "${id}"`)
      return found
    },
  }
}

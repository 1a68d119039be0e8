import { v7 as uuidV7 } from 'uuid'
import type { RequestMessageInput } from '../contract/request.ts'
import { discoverBackfills } from '../define/discover.ts'
import { dryRun } from '../dry-run/dry-run.ts'
import { createControlLog, createStatusLog, createTaskLog, produceRequest } from '../kafka/message-logs.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import { createAdmissionStore } from '../plan/admission-store.ts'
import { createArchiveStore } from '../plan/archive-store.ts'
import { createIntentStore } from '../plan/intent-store.ts'
import { makePlans } from '../plan/make-plans.ts'
import { createPlanner } from '../plan/planner.ts'
import { publishTasks } from '../plan/publish-tasks.ts'
import { createRunStore } from '../plan/run-store.ts'
import { createStallWatch } from '../plan/share-room.ts'
import { createTuneStore } from '../plan/tune-store.ts'
import { createLeadership, type Leadership } from '../postgres/leadership.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import { repeatedly } from '../process/repeatedly.ts'
import type { Service } from '../process/service.ts'
import { createChainStore } from '../schedule/chain-store.ts'
import { createFollower } from '../schedule/follow-runs.ts'
import { keepSchedules } from '../schedule/keep-schedules.ts'
import { createScheduleStore } from '../schedule/schedule-store.ts'
import { adaptersOf } from './adapters.ts'
import { feedOf, foundationOf, type RunningRole, running } from './foundation.ts'
import { control } from './pools.ts'

const tasksPerBatch = 500

export async function composePlanner(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const definitions = await discoverBackfills(config.definitionsFolder)
  const base = foundationOf(config, `planner-${process.pid}`, 8, log)
  const pool = base.pool(config.databaseUrl)
  const adapters = adaptersOf(config, base.pool, log, mark)
  const runs = createRunStore(pool, config.schema, config.liveRuns)
  const admission = createAdmissionStore(pool, config.schema, config.liveRuns)
  const status = createStatusLog(base.logs)
  const leads = (what: string): Leadership => createLeadership(pool, `tidemark ${what} ${config.schema}`, log)
  const [plansLead, tasksLead, clockLead] = [leads('plans'), leads('tasks'), leads('schedules')]
  const common = { runs, status, now: () => new Date(), mark, log }
  const room = { window: config.openTasks, batch: tasksPerBatch, isStalled: createStallWatch(() => performance.now()) }
  const publisher = repeatedly({
    ...{ everyMs: 200, what: 'tasks could not be published', log },
    act: (signal) => publishTasks({ ...common, leadership: tasksLead, tasks: createTaskLog(base.logs), room }, signal),
  })
  const maker = repeatedly({
    ...{ everyMs: 500, what: 'a plan could not be written', log },
    act: (signal) =>
      makePlans(
        { ...common, admission, leadership: plansLead, definitions, publishSoon: () => publisher.soon() },
        signal,
      ),
  })
  const asking = {
    ...{ ...common, leadership: clockLead, definitions, openSource: adapters.source },
    ask: (request: RequestMessageInput) => produceRequest(base.logs, request, new Date()),
  }
  const follow = createFollower({
    ...asking,
    chains: createChainStore(pool, config.schema),
    everyMs: config.followEveryMs,
  })
  const schedules = createScheduleStore(pool, config.schema)
  const asker = repeatedly({
    ...{ everyMs: 1_000, what: 'runs that are due could not be asked for', log },
    // A schedule that cannot be kept now holds up no chain.
    act: (signal) => keepSchedules({ ...asking, schedules }, signal).finally(() => follow(signal)),
  })
  const planner = createPlanner({
    ...common,
    feed: feedOf(base),
    topic: topicName(config.topicPrefix, 'requests'),
    groupId: groupName(config.topicPrefix, 'planner'),
    definitions,
    intents: createIntentStore(pool, config.schema),
    tunings: createTuneStore(pool, config.schema),
    archives: createArchiveStore(pool, config.schema),
    control: createControlLog(base.logs),
    openSource: adapters.source,
    openSink: adapters.sink,
    dryRun: async ({ backfill, params, reprocess = 'all' }, signal) => {
      const discovered = definitions.get(backfill)
      return dryRun(
        {
          source: adapters.source(discovered),
          sink: await adapters.sink(discovered),
          ...{ earlier: runs, liveRunOn: runs.liveRunOn, random: Math.random },
        },
        discovered,
        { params, reprocess, lists: 'largest', workers: null },
        signal,
      )
    },
    newRunId: () => uuidV7(),
    planSoon: () => maker.soon(),
  })
  const parts: Service = {
    start: async () => {
      await Promise.all([maker.start(), publisher.start(), planner.start(), asker.start()])
    },
    stop: async () => {
      await Promise.all([planner.stop(), maker.stop(), publisher.stop(), asker.stop()])
      await Promise.all([plansLead.resign(), tasksLead.resign(), clockLead.resign()])
    },
  }
  return running(base, parts, async () => {
    await migrate(pool, { schema: config.schema, ...control })
  })
}

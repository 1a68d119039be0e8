import { v7 as uuidV7 } from 'uuid'
import { discoverBackfills } from '../define/discover.ts'
import { createControlLog, createStatusLog, createTaskLog } from '../kafka/message-logs.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import { createIntentStore } from '../plan/intent-store.ts'
import { createPlanner } from '../plan/planner.ts'
import { createRunStore } from '../plan/run-store.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import { adaptersOf } from './adapters.ts'
import { feedOf, foundationOf, type RunningRole, running } from './foundation.ts'
import { control } from './pools.ts'

export async function composePlanner(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const definitions = await discoverBackfills(config.definitionsFolder)
  const base = foundationOf(config, `planner-${process.pid}`, 4, log)
  const pool = base.pool(config.databaseUrl)
  const adapters = adaptersOf(config, base.pool, mark)
  const planner = createPlanner({
    feed: feedOf(base),
    topic: topicName(config.topicPrefix, 'requests'),
    groupId: groupName(config.topicPrefix, 'planner'),
    definitions,
    runs: createRunStore(pool, config.schema),
    intents: createIntentStore(pool, config.schema),
    control: createControlLog(base.logs),
    tasks: createTaskLog(base.logs),
    status: createStatusLog(base.logs),
    openSource: adapters.source,
    openSink: adapters.sink,
    now: () => new Date(),
    mark,
    newRunId: () => uuidV7(),
    log,
  })
  return running(base, planner, async () => {
    await migrate(pool, { schema: config.schema, ...control })
  })
}

import { discoverBackfills } from '../define/discover.ts'
import { createControlLog, createStatusLog, createTaskLog, produceRequest } from '../kafka/message-logs.ts'
import { createOpenTasks } from '../kafka/open-tasks.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import { createSupervisor } from '../supervise/supervisor.ts'
import { adaptersOf } from './adapters.ts'
import { foundationOf, type RunningRole, running } from './foundation.ts'
import { control } from './pools.ts'

export async function composeSupervisor(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const definitions = await discoverBackfills(config.definitionsFolder)
  const base = foundationOf(config, `supervisor-${process.pid}`, 4, log)
  const pool = base.pool(config.databaseUrl)
  const openTasks = createOpenTasks(config, base.codec, log)
  const adapters = adaptersOf(config, base.pool, log, mark)
  const supervisor = createSupervisor({
    pool,
    schema: config.schema,
    definitions,
    openSink: adapters.sink,
    covered: () => openTasks.covered(),
    workers: () => openTasks.workers(),
    control: createControlLog(base.logs),
    tasks: createTaskLog(base.logs),
    status: createStatusLog(base.logs),
    ask: (request) => produceRequest(base.logs, request, new Date()),
    leaseMs: config.leaseMs,
    everyMs: 500,
    patienceMs: 5_000,
    now: () => new Date(),
    mark,
    log,
  })
  const both: Service = {
    start: async () => {
      await openTasks.start()
      await supervisor.start()
    },
    stop: async () => {
      await supervisor.stop()
      await openTasks.stop()
    },
  }
  return running(base, both, async () => {
    await migrate(pool, { schema: config.schema, ...control })
  })
}

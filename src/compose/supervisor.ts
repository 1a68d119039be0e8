import { createWebhook } from '../alert/webhook.ts'
import { discoverBackfills } from '../define/discover.ts'
import { evictMembers } from '../kafka/evict-member.ts'
import { createControlLog, createStatusLog, createTaskLog, produceRequest } from '../kafka/message-logs.ts'
import { createOpenTasks } from '../kafka/open-tasks.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import { createTopicEnds } from '../kafka/topic-ends.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import { createEvictAbsent } from '../supervise/evict-absent.ts'
import { createSupervisor } from '../supervise/supervisor.ts'
import { adaptersOf } from './adapters.ts'
import { foundationOf, type RunningRole, running } from './foundation.ts'
import { control } from './pools.ts'
import { presenceOf } from './presence-name.ts'

export async function composeSupervisor(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const definitions = await discoverBackfills(config.definitionsFolder)
  const base = foundationOf(config, `supervisor-${process.pid}`, 4, log)
  const pool = base.pool(config.databaseUrl)
  const statusTopic = topicName(config.topicPrefix, 'status')
  const openTasks = createOpenTasks(config, base.codec, log)
  const statusEnds = createTopicEnds(config, statusTopic, log)
  const adapters = adaptersOf(config, base.pool, log, mark)
  const webhook =
    config.alertWebhook === undefined
      ? undefined
      : createWebhook({ ...config.alertWebhook, now: () => new Date(), random: Math.random, log })
  const supervisor = createSupervisor({
    pool,
    schema: config.schema,
    definitions,
    openSink: adapters.sink,
    openTasks: () => openTasks.look(),
    workers: () => openTasks.workers(),
    statusTopic,
    statusEnds: () => statusEnds.read(),
    brokenChains: (sink, run) => sink.brokenChains(run),
    control: createControlLog(base.logs),
    tasks: createTaskLog(base.logs),
    status: createStatusLog(base.logs),
    ...(webhook === undefined ? {} : { notify: webhook.send }),
    ask: (request) => produceRequest(base.logs, request, new Date()),
    patience: { ...config.supervision, leaseMs: config.leaseMs },
    now: () => new Date(),
    mark,
    log,
  })
  const absent = createEvictAbsent({
    pool,
    presenceOf: (worker) => presenceOf(config, worker),
    evict: (chosen) => evictMembers(config, groupName(config.topicPrefix, 'workers'), log, chosen),
    status: createStatusLog(base.logs),
    now: () => new Date(),
    log,
  })
  const parts: readonly Service[] = [
    openTasks,
    statusEnds,
    ...(webhook === undefined ? [] : [webhook]),
    supervisor,
    absent,
  ]
  const all: Service = {
    start: async () => {
      for (const part of parts) await part.start()
    },
    stop: async () => {
      for (const part of parts.toReversed()) await part.stop()
    },
  }
  return running(base, all, async () => {
    await migrate(pool, { schema: config.schema, ...control })
  })
}

import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Definitions, discoverBackfills } from '../define/discover.ts'
import { createKafka } from '../kafka/client.ts'
import { openControlFeed } from '../kafka/control-feed.ts'
import { evictOne, evictWorker } from '../kafka/evict-member.ts'
import { createDeadLetterLog, createStatusLog, produceRequest } from '../kafka/message-logs.ts'
import { incarnationOf } from '../kafka/same-worker.ts'
import { openTaskConsumer } from '../kafka/task-consumer.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import { createKnownRuns } from '../plan/known-runs.ts'
import { createPresence } from '../postgres/presence.ts'
import { createAwakeClock } from '../process/awake-clock.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import type { OpenBackfill } from '../work/hold-partition.ts'
import { createLeakWatch } from '../work/leaked-promises.ts'
import { obeyIntents } from '../work/obey-intents.ts'
import { defaultRetryPolicy } from '../work/retry.ts'
import { createStageWatch } from '../work/stage-watch.ts'
import { createTellAlive, createUsageMeter } from '../work/tell-alive.ts'
import { type WatchedLanes, watchLanes } from '../work/watch-lanes.ts'
import { watchStages, watchTell } from '../work/watch-stages.ts'
import { createWatchdog, watchdogEveryMs } from '../work/watchdog.ts'
import { createWorker } from '../work/worker.ts'
import { type Adapters, adaptersOf } from './adapters.ts'
import { foundationOf, type RunningRole, running } from './foundation.ts'
import { presenceOf } from './presence-name.ts'

/** Tasks that use a database at the same time. More slots than that are for tasks with little to do, which share statements. */
const mostConnections = 64
const loopResolutionMs = 20
/** Tasks of one lane at the same time: a worker with more slots than lanes has work for all of them. */
const slotsPerLane = 8

export async function composeWorker(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const definitions = await discoverBackfills(config.definitionsFolder)
  const name = `worker/${config.workerId}`
  const base = foundationOf(config, name, Math.min(config.slots, mostConnections) + 3, log)
  const opened = openOnce(definitions, adaptersOf(config, base.pool, log, mark))
  const status = createStatusLog(base.logs)
  const retry = defaultRetryPolicy
  const groupId = groupName(config.topicPrefix, 'workers')
  const clock = createAwakeClock(() => performance.now(), watchdogEveryMs)
  const watch = createStageWatch(() => clock.nowMs())
  const watchdog = createWatchdog({ watch, clock, limitMs: config.stageLimitMs })
  const leaks = createLeakWatch(process, () => performance.now(), log)
  const presence = createPresence(base.pool(config.databaseUrl), presenceOf(config, config.workerId), log)
  let lanes: WatchedLanes | undefined
  let rowsRead = 0
  let grown = (): void => {}
  const worker = createWorker({
    slots: config.slots,
    slotsPerLane,
    log,
    openConsumer: (host) => {
      lanes = watchLanes(host)
      return openTaskConsumer(
        {
          // The client id is the worker id: it is how a dead worker's member is found and removed.
          kafka: createKafka(config, config.workerId, log),
          config,
          codec: base.codec,
          topic: topicName(config.topicPrefix, 'tasks'),
          groupId,
          worker: config.workerId,
          incarnation: incarnationOf(new Date(), Math.random),
          capacity: config.slots,
          deadLetters: createDeadLetterLog(base.logs),
          knowsRun: createKnownRuns(base.pool(config.databaseUrl), config.schema),
          // A member that is not present is taken for dead.
          beforeJoin: () => presence.start(),
          evictOwn: () => evictWorker(config, groupId, config.workerId, log),
          evictFormer: (memberId) => evictOne(config, groupId, memberId, log),
          enterStage: watch.enter,
          clock,
          mark,
          log,
        },
        lanes.host,
      )
    },
    openIntents: (host) =>
      obeyIntents(
        {
          openFeed: openControlFeed(config, base.codec, log),
          tell: (events) => status.publish(events),
          worker: config.workerId,
          now: () => new Date(),
          mark,
          log,
        },
        host,
      ),
    ask: (request) => produceRequest(base.logs, request, new Date()),
    task: {
      deadLetters: createDeadLetterLog(base.logs),
      within: leaks.within,
      taskTopic: topicName(config.topicPrefix, 'tasks'),
      open: async (backfillId) => watchStages(await opened(backfillId), watch.enter),
      tell: watchTell((events) => status.publish(events), watch.enter),
      worker: config.workerId,
      leaseMs: config.leaseMs,
      retry,
      random: Math.random,
      now: () => new Date(),
      mark,
      countRead: (rows) => {
        rowsRead += rows
        grown()
      },
      log,
    },
  })
  worker.failed.catch(base.failure.reject)
  watchdog.failed.catch(base.failure.reject)
  leaks.failed.catch(base.failure.reject)
  const loopDelay = monitorEventLoopDelay({ resolution: loopResolutionMs })
  const alive = createTellAlive({
    worker: config.workerId,
    instance: randomUUID(),
    load: () => {
      const held = lanes?.held() ?? []
      return {
        slots: config.slots,
        running: held.reduce((running, lane) => running + lane.running, 0),
        lanes: held.map(({ topicPartition }) => topicPartition),
      }
    },
    usage: createUsageMeter({
      ...{ memoryUsage: process.memoryUsage, cpuUsage: process.cpuUsage, nowMs: () => performance.now() },
      ...{ loopDelay, resolutionMs: loopResolutionMs },
    }),
    tell: (events) => status.publish(events),
    now: () => new Date(),
    log,
  })
  const watched: Service = {
    start: async () => {
      loopDelay.enable()
      await leaks.start()
      await watchdog.start()
      await worker.start()
      await alive.start()
    },
    stop: async () => {
      await worker.stop()
      await presence.stop()
      await alive.stop()
      loopDelay.disable()
      await watchdog.stop()
      await leaks.stop()
    },
  }
  return {
    ...running(base, watched, () => Promise.resolve()),
    rowsRead: () => rowsRead,
    onRowsRead: (listener) => {
      grown = listener
    },
  }
}

function openOnce(definitions: Definitions, adapters: Adapters): (backfillId: string) => Promise<OpenBackfill> {
  const opened = new Map<string, Promise<OpenBackfill>>()
  return (backfillId) => {
    const known = opened.get(backfillId)
    if (known !== undefined) return known
    const opening = (async () => {
      const discovered = definitions.get(backfillId)
      const { backfill, hash } = discovered
      return { backfill, hash, source: adapters.source(discovered), sink: await adapters.sink(discovered) }
    })()
    opened.set(backfillId, opening)
    opening.catch(() => opened.delete(backfillId))
    return opening
  }
}

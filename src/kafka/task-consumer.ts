// Reads: the task topic, as one member of the worker group. Writes: committed offsets, through the committer alone.
// On a crash: the group gives the lanes to others, who go on at what was committed. Never: commits for a lane that it
// does not hold in a stable group. Long because the life of one kafkajs consumer is one piece: each of its parts that
// stands by itself (claims, offsets, records, watches) has a file of its own.
import type { ConsumerGroupJoinEvent, Kafka } from 'kafkajs'
import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { AwakeClock } from '../process/awake-clock.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { DeadLetterLog } from '../status/status-log.ts'
import { pause } from '../work/pause.ts'
import type { EnterStage } from '../work/stage-watch.ts'
import type { LaneHost, TaskConsumer } from '../work/task-consumer.ts'
import { laneClaimer } from './claim-lanes.ts'
import { kafkaUnreachable } from './client.ts'
import type { Codec } from './codec.ts'
import { brokersAnswer, watchConsumer } from './consumer-watch.ts'
import { type Phase, silenceLimitMs } from './group-watchdog.ts'
import { type Held, HeldLanes } from './held-lanes.ts'
import { laneAssigner } from './lane-assigner.ts'
import { Membership } from './membership.ts'
import { createOffsetCommitter } from './offset-committer.ts'
import { type Incarnation, requireLatestLife } from './same-worker.ts'
import { recordTaker } from './take-records.ts'

export interface TaskConsumerDeps {
  readonly kafka: Kafka
  readonly config: Config
  readonly codec: Codec
  readonly topic: string
  readonly groupId: string
  readonly worker: string
  readonly incarnation: Incarnation
  readonly capacity: number
  readonly deadLetters: DeadLetterLog
  knowsRun(this: void, runId: RunId): Promise<boolean>
  /** What must be done before this worker joins the group. */
  beforeJoin(this: void): Promise<unknown>
  /** Removes the members of this worker id from the group: what its earlier life left there, or a join of its own. */
  evictOwn(this: void): Promise<unknown>
  /** Removes this member; soon gives up. Throws RetryableError (KAFKA_UNREACHABLE). */
  evictFormer(this: void, memberId: string): Promise<unknown>
  readonly enterStage: EnterStage
  readonly clock: AwakeClock
  readonly mark?: Mark
  readonly log: Log
}

const commitEveryMs = 1_000
/**
 * How long a rebalance waits for a member that says nothing: so long the lanes of a dead one stand still when another one is
 * frozen as well. More than three heartbeats, and than an event loop stands still for.
 */
const rebalanceTimeoutMs = 4_000
/** How long a task may take to its chunk boundary when its lane leaves; it is given up then, and the fence protects the rows. */
const drainLimitMs = 10_000
/** How long a last commit waits for a join that is under way, and then for the broker. */
const lastCommitLimitMs = 2_000
const leaveLimitMs = 4_000
const evictLimitMs = 2_000
const evictAgainMs = 200
/** Below this the clock that stands still with the process notices nothing. */
const shortStopMs = 1_000

/**
 * Reads the task topic as one member of the worker group, as kafkajs 2.2.4 on real brokers demands (each habit of it
 * is pinned by a test): handlers return at once, work goes on elsewhere; every GROUP_JOIN compares what is held with
 * what is assigned; a lane starts after a claim commit and leaves after a drain. Commits only what it holds in a
 * stable group. Stuck, or not the latest life of its worker id: `failed` rejects.
 */
export function openTaskConsumer(deps: TaskConsumerDeps, host: LaneHost): TaskConsumer {
  const { kafka, config, codec, topic, groupId, worker, incarnation, clock, log } = deps
  const { sessionTimeoutMs } = config.kafka
  const lanes = new HeldLanes()
  const membership = new Membership()
  const ended = new AbortController()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  const drains = new Set<Promise<void>>()
  let evicting = Promise.resolve()
  let phase: Phase = 'joining'
  let memberId: string | undefined
  let joins = 0
  let rejoin = false
  /** Since it joins again: for how long the process had been stopped until then. */
  let awaitedAsleepMs: number | undefined
  let closing = false
  let isReplaced = false
  let lastSignMs = clock.nowMs()
  let laneCount = 0

  const admin = kafka.admin({ retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 1_000 } })
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: [
      laneAssigner({
        userData: () => ({ worker, incarnation, capacity: deps.capacity, joins, holds: lanes.claims() }),
      }),
    ],
    sessionTimeout: sessionTimeoutMs,
    // Small: a member that died without leaving blocks every join for this long; nothing of ours delays a rejoin.
    rebalanceTimeout: rebalanceTimeoutMs,
    heartbeatInterval: Math.min(1_000, sessionTimeoutMs / 5),
    maxWaitTimeInMs: 250,
    maxBytesPerPartition: 64 * 1024,
    allowAutoTopicCreation: false,
    retry: {
      initialRetryTime: 300,
      retries: 20,
      maxRetryTime: 1_000,
      restartOnFailure: async () => phase !== 'stopped',
    },
  })
  const committer = createOffsetCommitter({
    consumer,
    topic,
    mayCommit: (lane) => {
      const held = lanes.get(lane.topicPartition)
      return phase === 'stable' && held?.lane === lane && held.claimed !== undefined
    },
    enterStage: deps.enterStage,
    mark: deps.mark,
    log,
  })
  const claim = laneClaimer({
    consumer,
    admin,
    groupId,
    topic,
    lanes,
    committer,
    isStable: () => phase === 'stable' && !closing,
    ready: (ready) => host.gained(ready),
    ended: ended.signal,
    log,
  })

  const setPhase = (next: Phase): void => {
    if (phase === 'stopped') return
    phase = next
    lastSignMs = clock.nowMs()
  }

  /** Everything held is somebody else's by now: no commit, no wait. */
  const loseAll = (): void => {
    const lost = lanes.dropAll()
    if (lost.length > 0) host.lost(lost)
  }

  /** kafkajs restarts as a new member; brokers that come back wait in each join for the one that it was. */
  const evictFormer = async (formerId: string): Promise<void> => {
    for (; !ended.signal.aborted; await pause(evictAgainMs, ended.signal))
      try {
        await deps.evictFormer(formerId)
        return
      } catch (error) {
        log.debug({ error: messageOf(error), memberId: formerId }, 'the member before the restart is not removed yet')
      }
  }

  const asleepMs = (): number => performance.now() - clock.nowMs()

  /** A member that joins again sends no heartbeats, and the group waits for it; but not for one that is stopped meanwhile. */
  const isMember = (): boolean => {
    const isAwaited = awaitedAsleepMs !== undefined && asleepMs() - awaitedAsleepMs < shortStopMs
    return membership.isSure(performance.now(), sessionTimeoutMs + (isAwaited ? rebalanceTimeoutMs : 0))
  }

  const rejoinSoon = (): void => {
    joins += 1
    rejoin = true
  }

  const joined = ({ payload }: ConsumerGroupJoinEvent): void => {
    if (memberId !== undefined && memberId !== payload.memberId) {
      // It has just told the group that it holds them, and so nobody was given what is not assigned to it again.
      if (lanes.all().length > 0) rejoinSoon()
      loseAll()
    }
    memberId = payload.memberId
    membership.joined(performance.now())
    awaitedAsleepMs = undefined
    setPhase('stable')
    const assigned = new Set(payload.memberAssignment[topic] ?? [])
    const { gained, retained, leaving } = lanes.reconcile(assigned, !closing)
    log.info(
      { memberId, lanes: assigned.size, gained: gained.length, leaving: leaving.length, tookMs: payload.duration },
      'joined the worker group',
    )
    // kafkajs went back to the committed offset: what is queued or running would come again.
    for (const { lane } of retained)
      consumer.seek({ topic, partition: lane.topicPartition, offset: lane.position.toString() })
    if (gained.length > 0) {
      consumer.pause([{ topic, partitions: gained.map((h) => h.lane.topicPartition) }])
      void claim(gained)
    }
    if (leaving.length > 0) void drain(leaving, true)
    host.arrived()
    if (!closing)
      requireLatestLife(admin, { groupId, worker, incarnation }, ended.signal).catch((error: unknown) => {
        if (error instanceof TerminalError) {
          isReplaced = true
          failure.reject(error)
        } else
          log.info({ error: messageOf(error) }, 'not known whether another worker uses this id; the next join tells')
      })
  }

  /** Lets running tasks end at their chunk boundary, commits for the last time, and lets the group know that the lanes are free. */
  const drain = (leaving: readonly Held[], andRejoin: boolean): Promise<void> => {
    for (const h of leaving) h.draining = true
    const given = leaving.map((h) => h.lane)
    // What is fetched for them is not taken any more, and would be fetched again at once.
    if (given.length > 0) consumer.pause([{ topic, partitions: given.map((lane) => lane.topicPartition) }])
    const draining = (async (): Promise<void> => {
      if (!(await settledWithin(host.drain(given), drainLimitMs)))
        log.warn(
          { drainLimitMs },
          'a task did not reach its chunk boundary in time: it is given up, the fence protects the rows',
        )
      for (let waited = 0; phase !== 'stable' && waited < lastCommitLimitMs; waited += 20) await pause(20, ended.signal)
      const mine = leaving.filter((h) => lanes.isHeld(h)).map((h) => h.lane)
      await settledWithin(committer.commit(mine), lastCommitLimitMs)
      for (const h of leaving) lanes.drop(h)
      log.info({ lanes: leaving.length }, 'lanes drained')
      if (andRejoin) rejoinSoon()
    })()
    drains.add(draining)
    return draining.finally(() => drains.delete(draining))
  }

  const commit = async (): Promise<void> => {
    const working = lanes.working()
    for (const { topicPartition, leadingNotes } of lanes.leading())
      log.warn(
        { topicPartition, leadingNotes },
        'offset metadata was ahead of checkpoint rows: the sink has gone back; the rows are the truth, work resumes there',
      )
    const crowded = working.filter((lane) => lane.crowded)
    await committer.commit(working)
    const relieved = crowded.filter((lane) => !lane.crowded)
    for (const lane of relieved) roomIn(lane.topicPartition)
    if (relieved.length > 0) host.arrived()
  }

  const roomIn = (topicPartition: number): void => {
    const held = lanes.get(topicPartition)
    if (held?.claimed === undefined || held.draining || !host.wantsMore(held.lane)) return
    consumer.resume([{ topic, partitions: [topicPartition] }])
  }

  consumer.on(consumer.events.GROUP_JOIN, joined)
  consumer.on(consumer.events.REBALANCING, () => {
    // The last moment at which a commit is accepted before the join ends; not waited for.
    committer.flush(lanes.working())
    awaitedAsleepMs = isMember() ? asleepMs() : undefined
    setPhase('rebalancing')
  })
  consumer.on(consumer.events.HEARTBEAT, () => {
    lastSignMs = clock.nowMs()
    const wasSure = isMember()
    membership.heard(performance.now())
    if (!wasSure && isMember()) host.arrived()
  })
  consumer.on(consumer.events.FETCH_START, () => {
    if (!rejoin || phase !== 'stable') return
    rejoin = false
    // The one way to make kafkajs rejoin without stopping: it takes this for the broker's answer.
    throw Object.assign(new Error('voluntary rejoin'), { type: 'REBALANCE_IN_PROGRESS' })
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    loseAll()
    awaitedAsleepMs = undefined
    setPhase('joining')
    if (!payload.restart) failure.reject(kafkaUnreachable(config, 'consuming tasks', payload.error))
    else {
      log.warn({ error: messageOf(payload.error) }, 'consumer restarts')
      if (memberId !== undefined) evicting = Promise.all([evicting, evictFormer(memberId)]).then(() => {})
      memberId = undefined
    }
  })

  const watchdog = (): void => {
    const silentMs = Math.round(clock.nowMs() - lastSignMs)
    const limitMs = silenceLimitMs(phase, sessionTimeoutMs, rebalanceTimeoutMs)
    if (limitMs === undefined || silentMs <= limitMs) return
    failure.reject(
      new RetryableError('KAFKA_UNREACHABLE', `the worker group gave no sign for ${silentMs} ms while ${phase}`),
    )
  }
  const timers: NodeJS.Timeout[] = []
  let watch: ReturnType<typeof watchConsumer> | undefined

  return {
    failed: failure.promise,
    isMember,
    laneCount: () => laneCount,
    roomIn: (lane) => roomIn(lane.topicPartition),
    start: async () => {
      try {
        await Promise.all([consumer.connect(), admin.connect(), deps.beforeJoin(), deps.evictOwn()])
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        laneCount = topics[0]?.partitions.length ?? 0
      } catch (error) {
        throw error instanceof RetryableError ? error : kafkaUnreachable(config, 'connecting the worker', error)
      }
      const first = new Promise<void>((resolve) => {
        const off = consumer.on(consumer.events.GROUP_JOIN, () => {
          off()
          resolve()
        })
      })
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 16,
        eachBatch: recordTaker({
          consumer,
          topic,
          codec,
          lanes,
          deadLetters: deps.deadLetters,
          knowsRun: deps.knowsRun,
          hasRoom: (lane) => host.hasRoom(lane),
          arrived: () => host.arrived(),
          ended: ended.signal,
          mark: deps.mark,
          log,
        }),
      })
      // Also while it joins, of which the watchdog knows nothing.
      watch = watchConsumer(consumer, {
        answers: brokersAnswer(config, topic),
        stuck: (silentMs) =>
          failure.reject(kafkaUnreachable(config, 'consuming tasks', `the consumer gave no sign for ${silentMs} ms`)),
      })
      await Promise.race([first, failure.promise])
      timers.push(setInterval(() => void commit(), commitEveryMs))
      timers.push(setInterval(watchdog, 1_000))
    },
    stop: async () => {
      if (closing) return
      closing = true
      watch?.stop()
      for (const timer of timers) clearInterval(timer)
      const others = lanes.all().filter((h) => !h.draining)
      await Promise.all([drain(others, false), ...drains])
      const isJoining = phase !== 'stable'
      phase = 'stopped'
      ended.abort()
      // A commit after this would resolve in silence and store nothing.
      await settledWithin(consumer.disconnect(), leaveLimitMs)
      // kafkajs leaves as the member that it was; the one that it joins as would be given lanes, and hold them for a session.
      const joining = isJoining && !isReplaced ? deps.evictOwn() : undefined
      await settledWithin(Promise.all([evicting, joining]), evictLimitMs)
      await admin.disconnect().catch(() => {})
    },
  }
}

/** True when it settled, either way, within the limit. */
async function settledWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timeout = new AbortController()
  const settled = work.then(
    () => true,
    () => true,
  )
  const late = pause(limitMs, timeout.signal).then(() => false)
  const inTime = await Promise.race([settled, late])
  timeout.abort()
  return inTime
}

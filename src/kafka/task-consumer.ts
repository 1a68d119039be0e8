import type { Admin, Consumer, ConsumerGroupJoinEvent, Kafka } from 'kafkajs'
import { messageOf, RetryableError } from '../contract/errors.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { DeadLetterLog } from '../status/status-log.ts'
import { unreadable } from '../status/unreadable.ts'
import { Lane } from '../work/lane.ts'
import { decodeOffsetMetadata } from '../work/offset-metadata.ts'
import { pause } from '../work/pause.ts'
import { readTask } from '../work/read-task.ts'
import type { LaneHost, TaskConsumer } from '../work/task-consumer.ts'
import { kafkaUnreachable } from './client.ts'
import type { Codec } from './codec.ts'
import { committedPlaces } from './committed-places.ts'
import { type Phase, silenceLimitMs } from './group-watchdog.ts'
import { incomingRecord } from './incoming-record.ts'
import { laneAssigner } from './lane-assigner.ts'
import { createOffsetCommitter } from './offset-committer.ts'

export interface TaskConsumerDeps {
  readonly kafka: Kafka
  readonly config: Config
  readonly codec: Codec
  readonly topic: string
  readonly groupId: string
  readonly worker: string
  readonly capacity: number
  readonly deadLetters: DeadLetterLog
  readonly mark?: Mark
  readonly log: Log
}

interface Held {
  readonly lane: Lane
  /** Generation it was claimed in; undefined until the claim commit has proved that the group sees us as its holder. */
  claimed: number | undefined
  draining: boolean
}

const commitEveryMs = 1_000
const rebalanceTimeoutMs = 6_000
/** Offsets between the committed one and the last taken: what offset metadata must be able to carry. */
const windowTasks = 16

/**
 * Reads the task topic as one member of the worker group, as docs of kafkajs 2.2.4 on real brokers demand: handlers
 * return at once, work goes on elsewhere; every GROUP_JOIN compares what is held with what is assigned; a lane starts
 * after a claim commit and leaves after a drain. Commits only what it holds in a stable group. Stuck: `failed` rejects.
 */
export function openTaskConsumer(deps: TaskConsumerDeps, host: LaneHost): TaskConsumer {
  const { kafka, config, codec, topic, groupId, log } = deps
  const { sessionTimeoutMs } = config.kafka
  const held = new Map<number, Held>()
  const ended = new AbortController()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  let phase: Phase = 'joining'
  let memberId: string | undefined
  let joins = 0
  let rejoin = false
  let closing = false
  let lastSign = performance.now()
  const admin: Admin = kafka.admin({ retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 1_000 } })
  const consumer: Consumer = kafka.consumer({
    groupId,
    partitionAssigners: [
      laneAssigner({
        userData: () => ({
          worker: deps.worker,
          capacity: deps.capacity,
          joins,
          holds: Object.fromEntries([...held].map(([p, h]) => [p, h.claimed ?? Number.MAX_SAFE_INTEGER])),
        }),
      }),
    ],
    sessionTimeout: sessionTimeoutMs,
    // Small: a member that died without leaving blocks every join for this long; nothing of ours delays a rejoin.
    rebalanceTimeout: rebalanceTimeoutMs,
    heartbeatInterval: Math.min(1_000, sessionTimeoutMs / 5),
    maxWaitTimeInMs: 250,
    maxBytesPerPartition: 256 * 1024,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 300, retries: 20, maxRetryTime: 1_000, restartOnFailure: async () => true },
  })
  const committer = createOffsetCommitter({
    consumer,
    topic,
    mayCommit: (lane) => {
      const entry = held.get(lane.topicPartition)
      return phase === 'stable' && entry?.lane === lane && entry.claimed !== undefined
    },
    mark: deps.mark,
    log,
  })

  const claimedLanes = (): Lane[] =>
    [...held.values()].filter((h) => h.claimed !== undefined && !h.draining).map((h) => h.lane)
  const setPhase = (next: Phase): void => {
    if (phase === 'stopped') return
    phase = next
    lastSign = performance.now()
  }

  /** Everything held is somebody else's by now: no commit, no wait. */
  const loseAll = (): void => {
    const lanes = [...held.values()].map((h) => h.lane)
    held.clear()
    if (lanes.length > 0) host.lost(lanes)
  }

  const rejoinSoon = (): void => {
    joins += 1
    rejoin = true
  }

  const joined = ({ payload }: ConsumerGroupJoinEvent): void => {
    if (memberId !== undefined && memberId !== payload.memberId) {
      // It has just told the group that it holds them, and so nobody was given what is not assigned to it again.
      if (held.size > 0) rejoinSoon()
      loseAll()
    }
    memberId = payload.memberId
    setPhase('stable')
    const assigned = new Set(payload.memberAssignment[topic] ?? [])
    const gained: Held[] = []
    for (const topicPartition of assigned) {
      const known = held.get(topicPartition)
      if (known === undefined) {
        if (closing) continue
        const fresh: Held = { lane: new Lane(topicPartition), claimed: undefined, draining: false }
        held.set(topicPartition, fresh)
        gained.push(fresh)
      } else if (known.claimed !== undefined)
        // kafkajs went back to the committed offset: what is queued or running would come again.
        consumer.seek({ topic, partition: topicPartition, offset: known.lane.position.toString() })
    }
    const leaving = [...held.values()].filter((h) => !assigned.has(h.lane.topicPartition) && !h.draining)
    log.info(
      { memberId, lanes: assigned.size, gained: gained.length, leaving: leaving.length, tookMs: payload.duration },
      'joined the worker group',
    )
    if (gained.length > 0) {
      consumer.pause([{ topic, partitions: gained.map((h) => h.lane.topicPartition) }])
      void claim(gained)
    }
    if (leaving.length > 0) void drain(leaving, true)
  }

  const stillHeld = (h: Held): boolean => held.get(h.lane.topicPartition) === h

  /**
   * Reads where the last holder stopped, and commits the same again: only a commit that went out with a generation
   * proves that the group sees us as a member. Goes on until it succeeds or the lanes are gone.
   */
  const claim = async (wanted: readonly Held[]): Promise<void> => {
    for (let delayMs = 100; !ended.signal.aborted; delayMs = Math.min(delayMs * 2, 2_000)) {
      const lanes = wanted.filter(stillHeld)
      if (lanes.length === 0) return
      try {
        if (phase === 'stable' && (await claimOnce(lanes))) return
      } catch (error) {
        log.info({ error: messageOf(error) }, 'lanes not claimed yet')
      }
      await pause(phase === 'stable' ? delayMs : 20, ended.signal)
    }
  }

  const claimOnce = async (lanes: readonly Held[]): Promise<boolean> => {
    const wanted = new Map(lanes.map((h) => [h.lane.topicPartition, h]))
    const places = (await committedPlaces(admin, groupId, topic)).filter((place) => wanted.has(place.topicPartition))
    if (phase !== 'stable') return false
    const generation = await committer.claim(places)
    if (generation === undefined || phase !== 'stable') return false
    const ready: Held[] = []
    for (const place of places) {
      const h = wanted.get(place.topicPartition)
      if (h === undefined || !stillHeld(h)) continue
      const notes = decodeOffsetMetadata(place.metadata)
      if (notes === undefined && place.metadata !== '')
        log.warn(
          { topicPartition: place.topicPartition, metadata: place.metadata.slice(0, 40) },
          'offset metadata is not ours: the checkpoint rows tell',
        )
      h.lane.resume(BigInt(place.offset), notes ?? [])
      h.claimed = generation
      consumer.seek({ topic, partition: place.topicPartition, offset: h.lane.position.toString() })
      ready.push(h)
    }
    consumer.resume([{ topic, partitions: ready.map((h) => h.lane.topicPartition) }])
    host.gained(ready.map((h) => h.lane))
    log.info({ lanes: ready.length, generation }, 'lanes claimed')
    return true
  }

  /** Lets running tasks end at their chunk boundary, commits for the last time, and lets the group know that the lanes are free. */
  const drain = async (leaving: readonly Held[], andRejoin: boolean): Promise<void> => {
    for (const h of leaving) h.draining = true
    await host.drain(leaving.map((h) => h.lane))
    for (let waited = 0; phase !== 'stable' && waited < 2_000; waited += 20) await pause(20, ended.signal)
    await committer.commit(leaving.filter(stillHeld).map((h) => h.lane))
    for (const h of leaving) if (stillHeld(h)) held.delete(h.lane.topicPartition)
    log.info({ lanes: leaving.length }, 'lanes drained')
    if (andRejoin) rejoinSoon()
  }

  const take = async (
    h: Held,
    topicPartition: number,
    message: Parameters<typeof incomingRecord>[2],
  ): Promise<void> => {
    const offset = BigInt(message.offset)
    const record = incomingRecord(topic, topicPartition, message, codec)
    try {
      h.lane.offer(offset, readTask(await record.json()))
    } catch (error) {
      if (error instanceof RetryableError) throw error
      // A dead letter first, then the offset may pass: a message nobody can read must not be lost either.
      log.error({ topicPartition, offset: message.offset, error: messageOf(error) }, 'not a task: to the dead letters')
      await deps.deadLetters.publish([unreadable(record, error, new Date())])
      h.lane.pass(offset)
    }
  }

  consumer.on(consumer.events.GROUP_JOIN, joined)
  consumer.on(consumer.events.REBALANCING, () => {
    // The last moment at which a commit is accepted before the join ends; not waited for.
    void committer.commit(claimedLanes())
    setPhase('rebalancing')
  })
  consumer.on(consumer.events.HEARTBEAT, () => {
    lastSign = performance.now()
  })
  consumer.on(consumer.events.FETCH_START, () => {
    if (!rejoin || phase !== 'stable') return
    rejoin = false
    // The one way to make kafkajs rejoin without stopping: it takes this for the broker's answer. Pinned by a test.
    throw Object.assign(new Error('voluntary rejoin'), { type: 'REBALANCE_IN_PROGRESS' })
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    loseAll()
    setPhase('joining')
    if (!payload.restart) failure.reject(kafkaUnreachable(config, 'consuming tasks', payload.error))
    else log.warn({ error: messageOf(payload.error) }, 'consumer restarts')
  })

  const watchdog = (): void => {
    const silentMs = Math.round(performance.now() - lastSign)
    const limitMs = silenceLimitMs(phase, sessionTimeoutMs, rebalanceTimeoutMs)
    if (limitMs === undefined || silentMs <= limitMs) return
    failure.reject(
      new RetryableError('KAFKA_UNREACHABLE', `the worker group gave no sign for ${silentMs} ms while ${phase}`),
    )
  }
  const timers: NodeJS.Timeout[] = []

  return {
    failed: failure.promise,
    roomIn: (lane) => {
      const topicPartition = lane.topicPartition
      if (held.get(topicPartition)?.claimed === undefined || lane.window >= windowTasks) return
      consumer.resume([{ topic, partitions: [topicPartition] }])
    },
    start: async () => {
      try {
        await Promise.all([consumer.connect(), admin.connect()])
      } catch (error) {
        throw kafkaUnreachable(config, 'connecting the worker', error)
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
        eachBatch: async ({ batch, resolveOffset }) => {
          const h = held.get(batch.partition)
          if (h?.claimed === undefined || h.draining) return
          await deps.mark?.('W0')
          for (const message of batch.messages) {
            const offset = BigInt(message.offset)
            if (offset >= h.lane.position) {
              if (h.lane.window >= windowTasks) {
                consumer.pause([{ topic, partitions: [batch.partition] }])
                break
              }
              await take(h, batch.partition, message).catch((error: unknown) => {
                log.warn({ error: messageOf(error) }, 'record not taken yet: it comes again')
              })
              if (h.lane.position <= offset) break
            }
            resolveOffset(message.offset)
          }
          host.arrived()
        },
      })
      await Promise.race([first, failure.promise])
      timers.push(setInterval(() => void committer.commit(claimedLanes()), commitEveryMs))
      timers.push(setInterval(watchdog, 1_000))
    },
    stop: async () => {
      if (closing) return
      closing = true
      for (const timer of timers) clearInterval(timer)
      await drain(
        [...held.values()].filter((h) => !h.draining),
        false,
      )
      phase = 'stopped'
      ended.abort()
      await Promise.race([consumer.disconnect().catch(() => {}), pause(4_000, AbortSignal.timeout(4_000))])
      await admin.disconnect().catch(() => {})
    },
  }
}

// Risk: a worker that Kafka does not answer stays up for ever and does nothing, or comes back after an outage and still
// speaks for lanes that are somebody else's.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RetryableError } from '../../src/contract/errors.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { evictOne } from '../../src/kafka/evict-member.ts'
import { incarnationOf } from '../../src/kafka/same-worker.ts'
import { openTaskConsumer } from '../../src/kafka/task-consumer.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import { createAwakeClock } from '../../src/process/awake-clock.ts'
import type { Config } from '../../src/process/config.ts'
import type { Lane } from '../../src/work/lane.ts'
import type { TaskConsumer } from '../../src/work/task-consumer.ts'
import { type CuttableKafka, cuttableKafka } from '../support/cuttable-kafka.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

interface Member {
  readonly consumer: TaskConsumer
  readonly lanes: Set<Lane>
  /** Commits that the broker took, each with what the member was assigned then. */
  readonly commits: { readonly of: readonly number[]; readonly assigned: ReadonlySet<number> }[]
  /** What it was in each join, and what was removed of that. */
  readonly memberIds: readonly string[]
  readonly evicted: readonly string[]
}

let config: Config
let topic: string
const members: Member[] = []

beforeEach(async () => {
  config = testConfig({ TIDEMARK_SESSION_TIMEOUT_MS: '4000' })
  topic = topicName(config.topicPrefix, 'tasks')
  await applyTopics(config, silentLog)
})
afterEach(async () => {
  await Promise.all(members.splice(0).map(({ consumer }) => consumer.stop()))
})

async function join(worker: string, line?: CuttableKafka): Promise<Member> {
  const lanes = new Set<Lane>()
  const commits: Member['commits'] = []
  const evicted: string[] = []
  const memberIds: string[] = []
  const groupId = groupName(config.topicPrefix, 'workers')
  const kafka = line?.kafka ?? createKafka(config, worker, silentLog)
  const openConsumer = kafka.consumer.bind(kafka)
  kafka.consumer = (options) => {
    const opened = openConsumer(options)
    let assigned: ReadonlySet<number> = new Set()
    opened.on(opened.events.GROUP_JOIN, ({ payload }) => {
      assigned = new Set(payload.memberAssignment[topic])
      memberIds.push(payload.memberId)
    })
    opened.on(opened.events.COMMIT_OFFSETS, ({ payload }) => {
      const of = payload.topics.flatMap(({ partitions }) => partitions.map(({ partition }) => Number(partition)))
      commits.push({ of, assigned })
    })
    return opened
  }
  const clock = createAwakeClock(() => performance.now(), 1_000)
  const leave = (leaving: readonly Lane[]): void => {
    for (const lane of leaving) lanes.delete(lane)
  }
  const consumer = openTaskConsumer(
    {
      ...{ kafka, config, topic, worker, clock, log: silentLog, capacity: 2, codec: createCodec(config) },
      groupId,
      incarnation: incarnationOf(new Date(), Math.random),
      knowsRun: () => Promise.resolve(true),
      deadLetters: { publish: () => Promise.resolve() },
      beforeJoin: () => Promise.resolve(),
      evictOwn: () => Promise.resolve(),
      evictFormer: async (memberId) => {
        if (line?.isCut() === true) throw new RetryableError('KAFKA_UNREACHABLE', 'cut')
        evicted.push(...(await evictOne(config, groupId, memberId, silentLog)).map((member) => member.memberId))
      },
      enterStage: () => () => {},
    },
    {
      gained: (gained) => {
        for (const lane of gained) lanes.add(lane)
      },
      drain: async (leaving) => leave(leaving),
      lost: leave,
      arrived: () => {},
      hasRoom: () => true,
      wantsMore: () => true,
    },
  )
  const member = { consumer, lanes, commits, memberIds, evicted }
  members.push(member)
  await consumer.start()
  return member
}

const holds = (member: Member, count: number): Promise<true> =>
  eventually(`${count} lanes`, () => Promise.resolve(member.lanes.size === count || undefined), 40_000)

test('a worker whose JoinGroup is never answered ends instead of waiting for ever', async () => {
  const line = cuttableKafka(config, 'worker-1')
  const waiting = await join('worker-1', line)
  await holds(waiting, 48)
  line.swallowJoins()
  const other = await join('worker-2')
  await expect(waiting.consumer.failed).rejects.toThrow(RetryableError)
  await expect(waiting.consumer.failed).rejects.toThrow(/gave no sign for \d+ ms while/)
  line.cut()
  await holds(other, 48)
}, 90_000)

test('a worker whose consumer restarts takes the member that it was out of the group', async () => {
  // Longer than kafkajs takes to give up.
  config = { ...config, kafka: { ...config.kafka, sessionTimeoutMs: 30_000 } }
  const line = cuttableKafka(config, 'worker-1')
  const away = await join('worker-1', line)
  await holds(away, 48)
  const former = away.memberIds.at(-1)
  line.cut()
  await holds(away, 0)
  line.mend()
  await holds(away, 48)
  expect(away.evicted).toEqual([former])
  expect(away.memberIds.at(-1)).not.toBe(former)
}, 60_000)

test('after an outage longer than its session a worker commits nothing for lanes that it does not hold', async () => {
  const line = cuttableKafka(config, 'worker-1')
  const away = await join('worker-1', line)
  const other = await join('worker-2')
  await Promise.all([holds(away, 24), holds(other, 24)])
  // Each has something to commit, again and again.
  const busy = setInterval(() => {
    for (const lane of [...away.lanes, ...other.lanes]) lane.dirty = true
  }, 100)
  const before = away.commits.length
  try {
    line.cut()
    await holds(other, 48)
    line.mend()
    await Promise.all([holds(away, 24), holds(other, 24)])
    await eventually('commits again', () => Promise.resolve(away.commits.length > before + 2 || undefined))
  } finally {
    clearInterval(busy)
  }
  for (const { of, assigned } of away.commits.slice(before))
    expect(of.filter((partition) => !assigned.has(partition))).toEqual([])
}, 90_000)

// What kafkajs 2.2.4 does and does not document, and the task consumer relies on: each habit on a real broker, so that
// another version, or another broker, is noticed here first.
import { randomUUID } from 'node:crypto'
import kafkajs, {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type EachBatchPayload,
  type Kafka,
  type Producer,
  type Transaction,
} from 'kafkajs'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createKafka } from '../../src/kafka/client.ts'
import { evictWorker } from '../../src/kafka/evict-member.ts'
import { connectTopic } from '../../src/kafka/topic-connection.ts'
import type { Config } from '../../src/process/config.ts'
import { cuttableKafka } from '../support/cuttable-kafka.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

const { AssignerProtocol, PartitionAssigners } = kafkajs
const maxWaitMs = 250

let config: Config
let kafka: Kafka
let admin: Admin
let topic: string
let groupId: string

beforeAll(async () => {
  config = testConfig()
  kafka = createKafka(config, 'behaviour', silentLog)
  admin = kafka.admin()
  await admin.connect()
})
afterAll(() => admin.disconnect())
beforeEach(async () => {
  topic = `behaviour-${randomUUID().slice(0, 8)}`
  groupId = `${topic}.group`
  await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }], waitForLeaders: false })
  // Its own wait for the leaders gives up at the first answer of a broker that does not know the topic yet.
  await eventually('the topic', () =>
    admin.fetchTopicMetadata({ topics: [topic] }).then(
      ({ topics: [found] }) => found?.partitions.length === 2 || undefined,
      () => undefined,
    ),
  )
})

interface Member {
  readonly consumer: Consumer
  /** Names of what happened, in order. */
  readonly events: string[]
  readonly memberIds: string[]
  readonly generations: Set<number>
  readonly taken: { readonly partition: number; readonly offset: string }[]
  count(event: string): number
}

interface MemberOptions extends Partial<ConsumerConfig> {
  readonly clientId?: string
  readonly kafka?: Kafka
  readonly eachBatch?: (payload: EachBatchPayload) => Promise<void>
  readonly prepare?: (consumer: Consumer) => void
}

/** A member that takes everything and commits nothing by itself. */
async function join({
  clientId,
  kafka: own = kafka,
  eachBatch,
  prepare,
  ...more
}: MemberOptions = {}): Promise<Member> {
  const client = clientId === undefined ? own : createKafka(config, clientId, silentLog)
  const consumer = client.consumer({
    groupId,
    sessionTimeout: 6_000,
    rebalanceTimeout: 6_000,
    heartbeatInterval: 300,
    maxWaitTimeInMs: maxWaitMs,
    ...more,
  })
  const member: Member = {
    consumer,
    events: [],
    memberIds: [],
    generations: new Set(),
    taken: [],
    count: (event) => member.events.filter((name) => name === event).length,
  }
  onTestFinished(() => consumer.disconnect())
  const { GROUP_JOIN, REBALANCING, HEARTBEAT, COMMIT_OFFSETS, FETCH, CRASH } = consumer.events
  for (const name of [GROUP_JOIN, REBALANCING, COMMIT_OFFSETS, FETCH, CRASH])
    consumer.on(name, () => void member.events.push(name))
  consumer.on(GROUP_JOIN, ({ payload }) => void member.memberIds.push(payload.memberId))
  consumer.on(HEARTBEAT, ({ payload }) => void member.generations.add(Number(payload.groupGenerationId)))
  prepare?.(consumer)
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch:
      eachBatch ??
      (async ({ batch, resolveOffset }) => {
        for (const { offset } of batch.messages) {
          member.taken.push({ partition: batch.partition, offset })
          resolveOffset(offset)
        }
      }),
  })
  await happened(member, GROUP_JOIN)
  return member
}

const happened = (member: Member, event: string, times = 1) =>
  eventually(`${times} × ${event}`, () => Promise.resolve(member.count(event) >= times || undefined))
const beats = (member: Member, generations = 1) =>
  eventually(`${generations} generations`, () => Promise.resolve(member.generations.size >= generations || undefined))

async function produce(count: number): Promise<void> {
  // A broker may not lead one of the topic partitions yet: then kafkajs sends again what the other one has already.
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const messages = Array.from({ length: count }, (_, n) => ({ value: String(n), partition: n % 2 }))
  await producer.send({ topic, messages })
  await producer.disconnect()
}

async function committed(partition = 0): Promise<{ offset: string | undefined; metadata: string | null | undefined }> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const entry = found?.partitions.find((one) => one.partition === partition)
  return { offset: entry?.offset, metadata: entry?.metadata }
}

/** Makes kafkajs believe that the broker answered "rebalance in progress". */
const rejoin = (consumer: Consumer): void => {
  const off = consumer.on(consumer.events.FETCH_START, () => {
    off()
    throw Object.assign(new Error('voluntary rejoin'), { type: 'REBALANCE_IN_PROGRESS' })
  })
}

test('metadata of 4,096 characters is kept, one more is refused and the last value stays', async () => {
  const { consumer } = await join()
  const commit = (metadata: string) => consumer.commitOffsets([{ topic, partition: 0, offset: '0', metadata }])
  const most = 'é'.repeat(4_096)
  await commit(most)
  expect(await committed()).toEqual({ offset: '0', metadata: most })
  await expect(commit('x'.repeat(4_097))).rejects.toMatchObject({ cause: { type: 'OFFSET_METADATA_TOO_LARGE' } })
  expect(await committed()).toEqual({ offset: '0', metadata: most })
})

test('a commit for a topic partition that another member holds is accepted: the gate must be ours', async () => {
  const first = await join()
  const second = await join()
  await beats(second)
  await happened(first, first.consumer.events.GROUP_JOIN, 2)
  for (const { consumer } of [first, second])
    for (const partition of [0, 1])
      await eventually(`partition ${partition}`, () =>
        consumer.commitOffsets([{ topic, partition, offset: '7', metadata: 'whoever' }]).then(
          () => true as const,
          () => undefined,
        ),
      )
  expect(await committed(0)).toEqual({ offset: '7', metadata: 'whoever' })
  expect(await committed(1)).toEqual({ offset: '7', metadata: 'whoever' })
})

test('once stop has begun a commit resolves, tells of no generation and stores nothing', async () => {
  const member = await join()
  const { consumer } = member
  await consumer.commitOffsets([{ topic, partition: 0, offset: '1', metadata: 'before' }])
  await happened(member, consumer.events.COMMIT_OFFSETS)
  const stopping = consumer.stop()
  await consumer.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'after' }])
  await stopping
  expect(member.count(consumer.events.COMMIT_OFFSETS)).toBe(1)
  expect(await committed()).toEqual({ offset: '1', metadata: 'before' })
})

test('a commit sent by the REBALANCING listener is accepted before the join', async () => {
  const member = await join({
    prepare: (consumer) => {
      consumer.on(consumer.events.REBALANCING, () => {
        void consumer.commitOffsets([{ topic, partition: 0, offset: '0', metadata: 'flushed' }])
      })
    },
  })
  await beats(member)
  await join()
  await happened(member, member.consumer.events.GROUP_JOIN, 2)
  await eventually('the commit', async () => (await committed()).metadata === 'flushed' || undefined)
  expect(member.events.indexOf(member.consumer.events.COMMIT_OFFSETS)).toBeLessThan(
    member.events.lastIndexOf(member.consumer.events.GROUP_JOIN),
  )
})

test('a join delivers everything above the committed offset again, and nothing after a seek in its listener', async () => {
  await produce(20)
  const plain = await join()
  await eventually('20 records', () => Promise.resolve(plain.taken.length >= 20 || undefined))
  rejoin(plain.consumer)
  await eventually('all of them again', () => Promise.resolve(plain.taken.length >= 40 || undefined))
  await plain.consumer.disconnect()

  let seeks = false
  const seeking = await join({
    prepare: (consumer) => {
      consumer.on(consumer.events.GROUP_JOIN, () => {
        if (seeks) for (const partition of [0, 1]) consumer.seek({ topic, partition, offset: '10' })
      })
    },
  })
  await eventually('20 records', () => Promise.resolve(seeking.taken.length >= 20 || undefined))
  seeks = true
  const { GROUP_JOIN, FETCH } = seeking.consumer.events
  const [joins, fetches] = [seeking.count(GROUP_JOIN), seeking.count(FETCH)]
  rejoin(seeking.consumer)
  await happened(seeking, GROUP_JOIN, joins + 1)
  await happened(seeking, FETCH, fetches + 4)
  expect(seeking.taken).toHaveLength(20)
})

test('a pause outlasts a join, and a restart after a crash forgets it', async () => {
  let crashWanted = false
  const member = await join({
    retry: { retries: 0, initialRetryTime: 100, restartOnFailure: async () => true },
    prepare: (consumer) => {
      consumer.on(consumer.events.FETCH_START, () => {
        if (!crashWanted) return
        crashWanted = false
        throw new kafkajs.KafkaJSConnectionError('as if the broker had gone', {})
      })
    },
  })
  const { consumer } = member
  const { GROUP_JOIN, CRASH } = consumer.events
  consumer.pause([{ topic }])
  rejoin(consumer)
  await happened(member, GROUP_JOIN, 2)
  expect(consumer.paused()).toEqual([{ topic, partitions: [0, 1] }])
  crashWanted = true
  await happened(member, CRASH)
  const joins = member.events.slice(0, member.events.indexOf(CRASH)).filter((name) => name === GROUP_JOIN).length
  await happened(member, GROUP_JOIN, joins + 1)
  expect(consumer.paused()).toEqual([])
  expect(member.memberIds[joins]).not.toBe(member.memberIds[joins - 1])
})

test('an offset that the topic does not have makes kafkajs commit another by itself, without metadata', async () => {
  const setting = await join()
  await setting.consumer.commitOffsets([{ topic, partition: 0, offset: '5', metadata: 'beyond the end' }])
  await setting.consumer.disconnect()
  await join()
  await eventually('its commit', async () => (await committed()).offset !== '5' || undefined)
  expect((await committed()).metadata).toBeNull()
})

test('a member that was removed joins again under a new id, and only GROUP_JOIN tells', async () => {
  const member = await join({ clientId: 'removed' })
  await beats(member)
  expect(await evictWorker(config, groupId, 'removed', silentLog)).toHaveLength(1)
  await happened(member, member.consumer.events.GROUP_JOIN, 2)
  expect(member.count(member.consumer.events.REBALANCING)).toBe(0)
  expect(new Set(member.memberIds).size).toBe(2)
})

test('a follower that throws into FETCH_START joins again: with other user data the group rebalances, with the same it does not', async () => {
  let said = 'a'
  const telling = (given: Parameters<typeof PartitionAssigners.roundRobin>[0]) => ({
    ...PartitionAssigners.roundRobin(given),
    protocol: ({ topics }: { topics: string[] }) => ({
      name: 'RoundRobinAssigner',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(said) }),
    }),
  })
  const leader = await join()
  await beats(leader)
  const follower = await join({ partitionAssigners: [telling] })
  await happened(leader, leader.consumer.events.GROUP_JOIN, 2)
  await beats(follower)
  const [generations, joins] = [follower.generations.size, follower.memberIds.length]
  const leaderJoins = leader.count(leader.consumer.events.GROUP_JOIN)

  rejoin(follower.consumer)
  await happened(follower, follower.consumer.events.GROUP_JOIN, joins + 1)
  const beatsBefore = follower.count(follower.consumer.events.FETCH)
  await happened(follower, follower.consumer.events.FETCH, beatsBefore + 4)
  expect(follower.generations.size).toBe(generations)
  expect(leader.count(leader.consumer.events.GROUP_JOIN)).toBe(leaderJoins)

  said = 'b'
  rejoin(follower.consumer)
  await beats(follower, generations + 1)
  await happened(leader, leader.consumer.events.GROUP_JOIN, leaderJoins + 1)
})

test('heartbeats go on when the wall clock is set back', async () => {
  const member = await join()
  await beats(member)
  const real = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => real() - 600_000)
  const { HEARTBEAT } = member.consumer.events
  member.consumer.on(HEARTBEAT, () => void member.events.push(HEARTBEAT))
  await happened(member, HEARTBEAT, 3)
})

test('a member that died without leaving holds up the next join for the rebalance timeout, not for its session', async () => {
  const timeouts = { sessionTimeout: 30_000, rebalanceTimeout: 3_000 }
  const line = cuttableKafka(config, 'dies')
  const dead = await join({
    ...timeouts,
    kafka: line.kafka,
    retry: { restartOnFailure: async () => false },
  })
  await beats(dead)
  const alive = await join(timeouts)
  await beats(alive)
  line.cut()
  onTestFinished(line.mend)
  const took: number[] = []
  await join({
    ...timeouts,
    prepare: (consumer) => {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => void took.push(payload.duration))
    },
  })
  expect(took[0]).toBeGreaterThan(timeouts.rebalanceTimeout * 0.8)
  expect(took[0]).toBeLessThan(timeouts.sessionTimeout / 2)
}, 60_000)

test('a producer whose commit failed is of no use any more; a new one of the same id sends what was not committed, once', async () => {
  const open = async (): Promise<Producer> => {
    const producer = kafka.producer({
      ...{ transactionalId: `${topic}.tx`, idempotent: true, maxInFlightRequests: 1 },
      retry: { initialRetryTime: 20, retries: 8 },
    })
    onTestFinished(() => producer.disconnect())
    await producer.connect()
    return producer
  }
  const send = async (producer: Producer, value: string): Promise<Transaction> => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value, partition: 0 }] })
    return transaction
  }
  const old = await open()
  await (await send(old, 'first')).commit()
  const unfinished = await send(old, 'second')
  // Whoever begins under the id ends what was begun under it before.
  const fresh = await open()
  const again = await send(fresh, 'second')
  await expect(unfinished.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' })
  await expect(old.transaction()).rejects.toThrow('COMMITTING')
  await again.commit()
  const values: string[] = []
  await join({
    eachBatch: async ({ batch, resolveOffset }) => {
      for (const { offset, value } of batch.messages) {
        values.push(String(value))
        resolveOffset(offset)
      }
    },
  })
  await eventually('both', () => Promise.resolve(values.length >= 2 || undefined))
  expect(values).toEqual(['first', 'second'])
})

test('with all paused nothing is fetched: it waits out each fetch, and arms hardly a timer', async () => {
  await produce(4)
  const member = await join({
    prepare: (consumer) => {
      consumer.on(consumer.events.GROUP_JOIN, () => consumer.pause([{ topic }]))
    },
  })
  const { consumer } = member
  const batches: number[] = []
  consumer.on(consumer.events.FETCH, ({ payload }) => void batches.push(payload.numberOfBatches))
  const warnings: string[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const fetches = member.count(consumer.events.FETCH)
  const beganMs = performance.now()
  await happened(member, consumer.events.FETCH, fetches + 12)
  const tookMs = performance.now() - beganMs
  // Our own looks, every 50 ms, are among them.
  const armed = timers.mock.calls.length - tookMs / 50
  expect(tookMs).toBeGreaterThan(11 * maxWaitMs * 0.9)
  expect(armed).toBeLessThan(100 * (tookMs / 10_000) + 40)
  expect(batches.every((count) => count === 0)).toBe(true)
  expect(member.taken).toEqual([])
  expect(warnings).not.toContain('TimeoutNegativeWarning')
  consumer.resume([{ topic }])
  await eventually('4 records', () => Promise.resolve(member.taken.length === 4 || undefined))
})

test('a consumer that never runs is handed the cluster, which answers, and no group comes of it', async () => {
  await produce(6)
  const connection = await connectTopic(config, topic, silentLog)
  onTestFinished(connection.close)
  expect(await connection.offsets(1)).toEqual({ first: 0n, end: 3n })
  const answer = await connection.fetch(1, 1n)
  expect(answer).toMatchObject({ errorCode: 0, highWatermark: 3n, lastStableOffset: 3n, logStartOffset: 0n })
  expect(await connection.fetch(1, 99n)).toMatchObject({ errorCode: 1 })
  expect(await connection.topicId()).toMatch(/^[0-9a-f]{32}$/)
  const { groups } = await admin.listGroups()
  expect(groups.filter((group) => group.groupId.includes(topic))).toEqual([])
})

test('the end that an admin client tells of a topic partition is that of what is decided', async () => {
  const producer = kafka.producer({ transactionalId: `${topic}.open`, idempotent: true, maxInFlightRequests: 1 })
  onTestFinished(() => producer.disconnect())
  await producer.connect()
  await produce(2)
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ value: 'undecided', partition: 0 }] })
  const end = async () => (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 0)?.high
  expect(await end()).toBe('1')
  await transaction.commit()
  await eventually('the end of the transaction', async () => ((await end()) === '3' ? true : undefined))
})

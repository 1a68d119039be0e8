import { afterEach, beforeEach, expect, test } from 'vitest'
import { groupOffsets } from '../../src/compose.ts'
import { noTotals } from '../../src/contract/certificate.ts'
import type { Checkpoint } from '../../src/contract/checkpoint.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { evictWorker } from '../../src/kafka/evict-member.ts'
import { createDeadLetterLog, createTaskLog } from '../../src/kafka/message-logs.ts'
import { createRecordProducer, type RecordProducer } from '../../src/kafka/producer.ts'
import { incarnationOf } from '../../src/kafka/same-worker.ts'
import { openTaskConsumer } from '../../src/kafka/task-consumer.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'
import { createAwakeClock } from '../../src/process/awake-clock.ts'
import type { Config } from '../../src/process/config.ts'
import type { Lane } from '../../src/work/lane.ts'
import { encodeOffsetMetadata } from '../../src/work/offset-metadata.ts'
import type { TaskConsumer } from '../../src/work/task-consumer.ts'
import { topicSamples } from '../../tools/topic-samples.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

interface Member {
  readonly consumer: TaskConsumer
  /** Batches of each fetch so far. */
  readonly fetches: number[]
  readonly lanes: Set<Lane>
  /** Topic partitions that were drained or lost, in order. */
  readonly left: number[]
}

let config: Config
let producer: RecordProducer
const members: Member[] = []

beforeEach(async () => {
  config = testConfig({ TIDEMARK_SESSION_TIMEOUT_MS: '6000' })
  await applyTopics(config, silentLog)
  producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
})
afterEach(async () => {
  await Promise.all(members.splice(0).map(({ consumer }) => consumer.stop()))
  await producer.stop()
})

const logs = () => ({ producer, codec: createCodec(config), topicPrefix: config.topicPrefix, source: 'test' })

/** A member that takes tasks and never finishes them. */
async function join(worker: string): Promise<Member> {
  const lanes = new Set<Lane>()
  const left: number[] = []
  const leave = (leaving: readonly Lane[]): void => {
    for (const lane of leaving) {
      lanes.delete(lane)
      left.push(lane.topicPartition)
    }
  }
  const kafka = createKafka(config, worker, silentLog)
  const fetches: number[] = []
  const openConsumer = kafka.consumer.bind(kafka)
  kafka.consumer = (options) => {
    const opened = openConsumer(options)
    opened.on(opened.events.FETCH, ({ payload }) => void fetches.push(payload.numberOfBatches))
    return opened
  }
  const consumer = openTaskConsumer(
    {
      kafka,
      config,
      codec: createCodec(config),
      topic: topicName(config.topicPrefix, 'tasks'),
      groupId: groupName(config.topicPrefix, 'workers'),
      worker,
      incarnation: incarnationOf(new Date(), Math.random),
      capacity: 2,
      deadLetters: createDeadLetterLog(logs()),
      knowsRun: () => Promise.resolve(true),
      beforeJoin: () => Promise.resolve(),
      evictOwn: () => Promise.resolve(),
      evictFormer: () => Promise.resolve(),
      enterStage: () => () => {},
      clock: createAwakeClock(() => performance.now(), 1_000),
      log: silentLog,
    },
    {
      gained: (gained) => {
        for (const lane of gained) lanes.add(lane)
      },
      drain: (leaving) => Promise.resolve(leave(leaving)),
      lost: leave,
      arrived: () => {},
      hasRoom: (lane) => lane.hasRoom(),
      wantsMore: (lane) => lane.wantsMore(),
    },
  )
  const member = { consumer, fetches, lanes, left }
  members.push(member)
  await consumer.start()
  return member
}

const holds = (member: Member, count: number) =>
  eventually(`${count} lanes`, () => Promise.resolve(member.lanes.size === count ? true : undefined))

const sample = topicSamples.tasks[0] as TaskMessage
/** The task of a place in a plan, as a planner publishes it. */
const taskAt = (index: number): TaskMessage => ({
  ...sample,
  index,
  partitionId: partitionIdOf(sample.runId, { index, ...sample.range }),
})
/** Under one key, hence in one lane. */
const publishInOneLane = (tasks: readonly TaskMessage[]): Promise<void> =>
  producer.send(
    topicName(config.topicPrefix, 'tasks'),
    tasks.map((task) => ({ key: 'one lane', value: Buffer.from(JSON.stringify(task)), headers: {} })),
  )

test('a worker that joins takes over its share; lanes that stay where they were are not touched', async () => {
  const first = await join('worker-1')
  await holds(first, 48)
  const before = new Set(first.lanes)
  const second = await join('worker-2')
  await holds(second, 24)
  await holds(first, 24)
  expect(first.left).toHaveLength(24)
  for (const lane of first.lanes) expect(before.has(lane)).toBe(true)
  const all = [...first.lanes, ...second.lanes].map((lane) => lane.topicPartition)
  expect(new Set(all).size).toBe(48)
})

test('a worker that leaves gives its lanes back, and what it finished is not taken again', async () => {
  const first = await join('worker-1')
  await holds(first, 48)
  const tasks = Array.from({ length: 40 }, (_, index) => taskAt(index))
  await createTaskLog(logs()).publish(tasks)
  const finished = new Set<string>()
  await eventually('20 tasks', () => {
    for (const lane of first.lanes) {
      if (finished.size === 20) return Promise.resolve(true)
      const taken = lane.take()
      if (taken === undefined) continue
      lane.finish(taken.offset)
      finished.add(taken.task.partitionId)
    }
    return Promise.resolve(undefined)
  })
  await first.consumer.stop()
  const second = await join('worker-2')
  await holds(second, 48)
  const rest = new Set<string>()
  await eventually('the other 20 tasks', () => {
    for (const lane of second.lanes)
      for (let taken = lane.take(); taken !== undefined; taken = lane.take()) rest.add(taken.task.partitionId)
    return Promise.resolve(rest.size >= 20 ? true : undefined)
  })
  for (const id of rest) expect(finished.has(id)).toBe(false)
  expect(rest.size).toBe(20)
})

test('what is committed for a lane is what its tasks are, and a new holder goes on from there', async () => {
  const first = await join('worker-1')
  await holds(first, 48)
  await publishInOneLane(Array.from({ length: 4 }, (_, index) => taskAt(index)))
  const lane = await eventually('4 tasks in one lane', () =>
    Promise.resolve([...first.lanes].find(({ waiting }) => waiting === 4)),
  )
  const [running, done] = [lane.take(), lane.take()]
  const checkpoint: Checkpoint = {
    partitionId: taskAt(0).partitionId,
    epoch: 3,
    sequence: 7,
    cursor: '700',
    state: 'running',
    totals: { ...noTotals, rowsWritten: 700, contentHash: '-12345' },
  }
  lane.advance(running?.offset ?? -1n, checkpoint)
  lane.finish(done?.offset ?? -1n)
  const committed = async () =>
    (await groupOffsets(config, undefined, silentLog)).lanes.find(
      ({ topicPartition }) => topicPartition === lane.topicPartition,
    )
  const shown = await eventually('the commit', async () => {
    const found = await committed()
    return found?.tasks[1]?.state === 'finished' ? found : undefined
  })
  expect(shown).toMatchObject({ committedOffset: '0', endOffset: '4', lag: 4, metadata: 'readable' })
  expect(shown.tasks).toEqual([
    {
      offset: '0',
      state: 'running',
      progress: { epoch: 3, sequence: 7, rows: 700, contentHash: '-12345', cursor: '700' },
    },
    { offset: '1', state: 'finished', progress: null },
    { offset: '2', state: 'waiting', progress: null },
    { offset: '3', state: 'waiting', progress: null },
  ])
  await first.consumer.stop()

  const second = await join('worker-2')
  await holds(second, 48)
  const resumed = await eventually('the other 3 tasks', () =>
    Promise.resolve([...second.lanes].find(({ waiting }) => waiting === 3)),
  )
  expect((await committed())?.tasks).toEqual(shown.tasks)
  expect([resumed.take()?.offset, resumed.take()?.offset, resumed.take()?.offset]).toEqual([0n, 2n, 3n])
})

test.each([
  ['foreign', 'what another tool wrote'],
  ['newer', '{"v":2,"taken":9,"tasks":[]}'],
  ['broken', 'B1.AAAA'],
  [
    'forged',
    encodeOffsetMetadata({
      taken: 2,
      tasks: [0, 1].map((delta) => ({ state: 'finished', delta, task: 'AAAAAAAA', progress: undefined })),
    }).text,
  ],
])('%s metadata on an offset never makes a worker skip a task', async (kind, metadata = '') => {
  await publishInOneLane([taskAt(0), taskAt(1)])
  const topic = topicName(config.topicPrefix, 'tasks')
  const forger = createKafka(config, 'forger', silentLog).consumer({
    groupId: groupName(config.topicPrefix, 'workers'),
  })
  await forger.connect()
  await forger.subscribe({ topics: [topic] })
  await forger.run({ autoCommit: false, eachBatch: () => Promise.resolve() })
  const offsets = Array.from({ length: 48 }, (_, partition) => ({ topic, partition, offset: '0', metadata }))
  await eventually('the forged commit', () =>
    forger.commitOffsets(offsets).then(
      () => true as const,
      () => undefined,
    ),
  )
  await forger.disconnect()

  const member = await join('worker-1')
  await holds(member, 48)
  const lane = await eventually('both tasks', () => Promise.resolve([...member.lanes].find((l) => l.waiting === 2)))
  expect([lane.take()?.offset, lane.take()?.offset]).toEqual([0n, 1n])
  if (kind === 'forged') expect(lane.foreignNotes).toBe(2)
})

test('a full window pauses its lane: nothing is fetched meanwhile, and it goes on when there is room', async () => {
  const member = await join('worker-1')
  await holds(member, 48)
  await publishInOneLane(Array.from({ length: 100 }, (_, index) => taskAt(index)))
  const lane = await eventually('a full window', () =>
    Promise.resolve([...member.lanes].find(({ window }) => window === 64)),
  )
  const before = member.fetches.length
  const beganMs = performance.now()
  await eventually('some fetches', () => Promise.resolve(member.fetches.length >= before + 8 || undefined))
  // Each waits for its 250 ms; only the one that was on its way may bring something.
  expect(performance.now() - beganMs).toBeGreaterThan(6 * 250)
  expect(member.fetches.slice(before + 1).every((batches) => batches === 0)).toBe(true)
  expect(lane.window).toBe(64)

  for (let taken = lane.take(); taken !== undefined; taken = lane.take()) lane.finish(taken.offset)
  member.consumer.roomIn(lane)
  await eventually('the rest', () => Promise.resolve(lane.waiting === 36 || undefined))
})

test('a worker set that restarts whole has the same lanes', async () => {
  const lanesOf = (member: Member): number[] => [...member.lanes].map((l) => l.topicPartition).sort((a, b) => a - b)
  const both = async (order: readonly string[]): Promise<Map<string, number[]>> => {
    const joined = new Map<string, Member>()
    for (const worker of order) joined.set(worker, await join(worker))
    for (const member of joined.values()) await holds(member, 24)
    const found = new Map([...joined].map(([worker, member]) => [worker, lanesOf(member)]))
    await Promise.all(members.splice(0).map(({ consumer }) => consumer.stop()))
    return new Map([...found].sort())
  }
  const before = await both(['worker-1', 'worker-2'])
  expect(await both(['worker-2', 'worker-1'])).toEqual(before)
})

test('an evicted member sees that its lanes are lost, and joins again as somebody new', async () => {
  const member = await join('worker-1')
  await holds(member, 48)
  expect(await evictWorker(config, groupName(config.topicPrefix, 'workers'), 'worker-1', silentLog)).toHaveLength(1)
  await eventually('lanes lost', () => Promise.resolve(member.left.length === 48 ? true : undefined))
  await holds(member, 48)
})

test('a record that is no task goes to the dead letters, and the lane goes on behind it', async () => {
  const topic = topicName(config.topicPrefix, 'tasks')
  await producer.send(topic, [{ key: 'one lane', value: Buffer.from('{"version":1'), headers: {} }])
  // Its bounds are not those of its id.
  await publishInOneLane([{ ...taskAt(0), range: { kind: 'integer', from: '0', to: '1' } }, taskAt(1)])
  const member = await join('worker-1')
  await holds(member, 48)
  const taken = await eventually('the task behind it', () =>
    Promise.resolve([...member.lanes].map((lane) => lane.take()).find((one) => one !== undefined)),
  )
  expect(taken.task).toEqual(taskAt(1))
  expect(taken.offset).toBe(2n)
})

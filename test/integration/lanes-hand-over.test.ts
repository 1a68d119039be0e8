import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TaskMessage } from '../../src/contract/task.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { evictMembers } from '../../src/kafka/evict-member.ts'
import { createDeadLetterLog, createTaskLog } from '../../src/kafka/message-logs.ts'
import { createRecordProducer, type RecordProducer } from '../../src/kafka/producer.ts'
import { openTaskConsumer } from '../../src/kafka/task-consumer.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'
import type { Config } from '../../src/process/config.ts'
import type { Lane } from '../../src/work/lane.ts'
import type { TaskConsumer } from '../../src/work/task-consumer.ts'
import { topicSamples } from '../../tools/topic-samples.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

interface Member {
  readonly consumer: TaskConsumer
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
  const consumer = openTaskConsumer(
    {
      kafka: createKafka(config, worker, silentLog),
      config,
      codec: createCodec(config),
      topic: topicName(config.topicPrefix, 'tasks'),
      groupId: groupName(config.topicPrefix, 'workers'),
      worker,
      capacity: 2,
      deadLetters: createDeadLetterLog(logs()),
      log: silentLog,
    },
    {
      gained: (gained) => {
        for (const lane of gained) lanes.add(lane)
      },
      drain: (leaving) => Promise.resolve(leave(leaving)),
      lost: leave,
      arrived: () => {},
    },
  )
  const member = { consumer, lanes, left }
  members.push(member)
  await consumer.start()
  return member
}

const holds = (member: Member, count: number) =>
  eventually(`${count} lanes`, () => Promise.resolve(member.lanes.size === count ? true : undefined))

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
  const sample = topicSamples.tasks[0] as TaskMessage
  const tasks = Array.from({ length: 40 }, (_, index) => ({
    ...sample,
    partitionId: partitionIdOf(sample.runId, { index, ...sample.range }),
    index,
  }))
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

test('an evicted member sees that its lanes are lost, and joins again as somebody new', async () => {
  const member = await join('worker-1')
  await holds(member, 48)
  expect(await evictMembers(config, groupName(config.topicPrefix, 'workers'), 'worker-1', silentLog)).toBe(1)
  await eventually('lanes lost', () => Promise.resolve(member.left.length === 48 ? true : undefined))
  await holds(member, 48)
})

test('a record that is no task goes to the dead letters, and the lane goes on behind it', async () => {
  const topic = topicName(config.topicPrefix, 'tasks')
  const { range, ...rest } = topicSamples.tasks[0] as TaskMessage
  const sample = { ...rest, range, partitionId: partitionIdOf(rest.runId, { index: rest.index, ...range }) }
  await producer.send(topic, [{ key: sample.partitionId, value: Buffer.from('{"version":1'), headers: {} }])
  await createTaskLog(logs()).publish([sample])
  const member = await join('worker-1')
  await holds(member, 48)
  const taken = await eventually('the task behind it', () =>
    Promise.resolve([...member.lanes].map((lane) => lane.take()).find((one) => one !== undefined)),
  )
  expect(taken.task).toEqual(sample)
  expect(taken.offset).toBe(1n)
})

import { expect, test } from 'vitest'
import { withAdmin } from '../../src/kafka/client.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics, checkTopics, requireTopics } from '../../src/kafka/topics.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

test('missing topics are named with the remedy, applied once, and right afterwards', async () => {
  const config = testConfig()
  await expect(requireTopics(config, silentLog)).rejects.toThrow(
    `topic ${config.topicPrefix}.requests does not exist: run "tidemark topics apply"`,
  )
  const changes = await applyTopics(config, silentLog)
  expect(changes.map(({ change }) => change)).toEqual(Array(5).fill('created'))
  expect(await checkTopics(config, silentLog)).toEqual([])
  expect((await applyTopics(config, silentLog)).map(({ change }) => change)).toEqual(Array(5).fill('unchanged'))
  await requireTopics(config, silentLog)
})

test('another number of topic partitions is refused, never changed', async () => {
  const config = testConfig()
  const topic = topicName(config.topicPrefix, 'tasks')
  await withAdmin(config, silentLog, (admin) =>
    admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 3 }] }),
  )
  await expect(applyTopics(config, silentLog)).rejects.toThrow(`topic ${topic} has 3 topic partitions, 48 are declared`)
  await expect(requireTopics(config, silentLog)).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' })
})

test('a broker that is away is named, with the remedy', async () => {
  const config = testConfig({ KAFKA_BROKERS: '127.0.0.1:1' })
  await expect(checkTopics(config, silentLog)).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1'),
  })
})

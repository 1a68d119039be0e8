// Risk: while the group rebalances, workers are counted that are none, and those that are there are not.
import { randomUUID } from 'node:crypto'
import type { Consumer } from 'kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import { createKafka, withAdmin } from '../../src/kafka/client.ts'
import { groupWorkers } from '../../src/kafka/group-workers.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

test('workers are known in every state of the group, whatever stands before their ids', async () => {
  const base = testConfig()
  const config = { ...base, kafka: { ...base.kafka, clientId: 'night.batch' } }
  const topic = `group-workers-${randomUUID().slice(0, 8)}`
  const groupId = `${topic}.group`
  const release = Promise.withResolvers<void>()
  const member = (worker: string): Consumer => {
    const consumer = createKafka(config, worker, silentLog).consumer({ groupId, rebalanceTimeout: 60_000 })
    onTestFinished(async () => {
      release.resolve()
      await consumer.disconnect()
    })
    return consumer
  }
  await withAdmin(config, silentLog, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }], waitForLeaders: false })
    await eventually('the topic', () =>
      admin.fetchTopicMetadata({ topics: [topic] }).then(
        ({ topics: [found] }) => found?.partitions.length === 2 || undefined,
        () => undefined,
      ),
    )
    const state = async (): Promise<string | undefined> => (await admin.describeGroups([groupId])).groups[0]?.state
    const workers = () => groupWorkers(admin, groupId, config)
    expect(await workers()).toEqual([])

    // Busy with its first record, so that it does not join again before it may.
    const busy = Promise.withResolvers<void>()
    const first = member('worker.1')
    const producer = createKafka(config, 'producer', silentLog).producer()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'a task' }] })
    await producer.disconnect()
    await first.connect()
    await first.subscribe({ topics: [topic], fromBeginning: true })
    await first.run({
      eachMessage: async () => {
        busy.resolve()
        await release.promise
      },
    })
    await busy.promise
    expect(await state()).toBe('Stable')
    expect(await workers()).toEqual(['worker.1'])

    const second = member('worker.2')
    await second.connect()
    await second.subscribe({ topics: [topic] })
    // Not awaited: it is running once it has joined.
    const joining = second.run({ eachMessage: async () => {} })
    await eventually('a rebalance that does not end', async () => (await state()) === 'PreparingRebalance' || undefined)
    expect(await workers()).toEqual(['worker.1', 'worker.2'])
    release.resolve()
    await joining
  })
})

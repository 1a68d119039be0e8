// Risk: a topic that cannot be read is found out late, or reading one leaves groups and connections behind.
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { kafka } from '../../src/define/kafka.ts'
import { cut } from '../../src/plan/cut.ts'
import { openKafkaTopic } from '../../src/source/kafka-topic.ts'
import type { Source } from '../../src/source/source.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'
import { type TestTopic, testTopic } from '../support/test-topic.ts'

const { signal } = new AbortController()
const config = testConfig()
const Value = z.object({ value: z.string() })
const sourceOf = (name: string, own = config): Source =>
  openKafkaTopic(kafka.topic(name, { schema: Value, value: 'text' }), { config: own, log: silentLog })

async function topicOf(records: number): Promise<TestTopic> {
  const topic = await testTopic(config, 2)
  onTestFinished(topic.close)
  for (const part of [0, 1])
    await topic.write(
      part,
      Array.from({ length: records }, (_, n) => ({ value: `${n}` })),
    )
  return topic
}

describe('checking a topic', () => {
  it('finds nothing wrong with one that has records, nor with one that has none', async () => {
    for (const records of [3, 0])
      await expect(sourceOf((await topicOf(records)).name).check(signal)).resolves.toBeUndefined()
  })

  it('names the topic that is most like one that is missing, and does not make it', async () => {
    const topic = await topicOf(0)
    const asked = `${topic.name}s`
    await expect(sourceOf(asked).check(signal)).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: `topic "${asked}" does not exist: did you mean "${topic.name}"?`,
    })
    expect(await topic.admin.listTopics()).not.toContain(asked)
  })

  it('tells a name that no topic can have, and fields that two things would go to, at once', async () => {
    const fields = { key: 'value' } as const
    const definition = kafka.topic('orders/2024', { schema: Value, value: 'text', fields })
    await expect(openKafkaTopic(definition, { config, log: silentLog }).check(signal)).rejects.toMatchObject({
      reasons: [
        'key "value" is also another field: give it another name',
        expect.stringContaining('"orders/2024" is no name of a topic'),
      ],
    })
  })

  it('waits for brokers that are away: they come back by themselves', async () => {
    const away = testConfig({ KAFKA_BROKERS: '127.0.0.1:1' })
    await expect(sourceOf('orders', away).check(signal)).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
  })
})

describe('reading a topic', () => {
  it('leaves no group and no connection behind, also when it is given up in the middle', async () => {
    const topic = await topicOf(20)
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = sockets()
    const source = sourceOf(topic.name)
    await source.check(signal)
    const plan = [
      ...cut(await source.pin({ kind: 'offsets', records: 8 }, {}, signal), { kind: 'offsets', records: 8 }),
    ]
    expect(plan).toHaveLength(6)
    const closed = () => eventually('connections to be closed', async () => (sockets() <= before ? true : undefined))
    await closed()
    let most = 0
    await Promise.all(
      plan.map(async ({ index, from, to, locator }) => {
        for await (const page of source.read({ range: { kind: 'integer', from, to }, locator }, null, 3, signal)) {
          most = Math.max(most, sockets())
          if (index % 2 === 0 || page.last) break
        }
      }),
    )
    // One for requests, one for records, for all readers together.
    expect(most - before).toBe(2)
    await closed()
    const { groups } = await topic.admin.listGroups()
    expect(groups.filter(({ groupId }) => groupId.includes(topic.name))).toEqual([])
  })

  it('ends at once when it is aborted, though the broker says nothing any more', async () => {
    const topic = await topicOf(20)
    const source = sourceOf(topic.name)
    const [first] = cut(await source.pin({ kind: 'offsets', records: 20 }, {}, signal), {
      kind: 'offsets',
      records: 20,
    })
    if (first === undefined) throw new Error('no partition')
    const range = { range: { kind: 'integer' as const, from: first.from, to: first.to }, locator: first.locator }
    const silent = await silentServer()
    const controller = new AbortController()
    const hanging = sourceOf(topic.name, testConfig({ KAFKA_BROKERS: silent.address }))
    const reading = hanging.read(range, null, 5, controller.signal)[Symbol.asyncIterator]().next()
    await eventually('a connection', async () => (silent.sockets.size > 0 ? true : undefined))
    controller.abort(new Error('given up'))
    await expect(reading).rejects.toThrow('given up')
  })
})

/** Takes connections and never answers. */
async function silentServer(): Promise<{ address: string; sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return { address: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, sockets }
}

import { createRequire } from 'node:module'
import { expect, test, vi } from 'vitest'
import { patchConsumerGroup } from '../../src/kafka/consumer-group-patch.ts'

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/consumer/consumerGroup') as {
  prototype: { commitOffsets(this: object, offsets: object): Promise<void> }
}

test('a commit is sent again in its own generation, and in no other', async () => {
  patchConsumerGroup()
  const sent = vi.fn(() => Promise.resolve())
  const group = { memberId: 'a', generationId: 1, offsetManager: { commitOffsets: sent } }
  const offsets = { topics: [] }
  await prototype.commitOffsets.call(group, offsets)
  await prototype.commitOffsets.call(group, offsets)
  expect(sent).toHaveBeenCalledTimes(2)
  const later = { ...group, generationId: 2 }
  await expect(prototype.commitOffsets.call(later, offsets)).rejects.toMatchObject({ retriable: false })
  await expect(prototype.commitOffsets.call({ ...group, memberId: 'b' }, offsets)).rejects.toThrow('not sent any more')
  expect(sent).toHaveBeenCalledTimes(2)
  await prototype.commitOffsets.call(later, { topics: [] })
  expect(sent).toHaveBeenCalledTimes(3)
})

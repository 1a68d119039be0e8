import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { expect, it } from 'vitest'
import { keyPartitioner } from '../../src/kafka/key-partitioner.ts'

it('puts records where the default partitioner does', () => {
  const [ours, theirs] = [keyPartitioner(), Partitioners.DefaultPartitioner()]
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (key, count) => {
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
        ...{ partitionId, partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] },
      }))
      const asked = { topic: 'a', partitionMetadata, message: { key, value: null } }
      expect(ours(asked)).toBe(theirs(asked))
    }),
  )
})

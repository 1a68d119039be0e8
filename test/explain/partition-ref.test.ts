import { describe, expect, it } from 'vitest'
import { parsePartitionRef } from '../../src/explain/partition-ref.ts'

const id = '019aa000-0000-7000-8000-000000000001'

describe('how a partition is named', () => {
  it('by its id, or by its run and its place in the plan', () => {
    expect(parsePartitionRef(id)).toEqual({ partitionId: id })
    expect(parsePartitionRef(`${id}/12`)).toEqual({ runId: id, index: 12 })
  })

  it.each(['12', `${id}/`, `${id}/-1`, `${id}/1/2`, `${id}/1.5`, `${id}/9999999999`, 'orders-v2/3', ''])(
    'not by "%s"',
    (text) => {
      expect(() => parsePartitionRef(text)).toThrow(`"${text}" names no partition: give its id, or RUN/INDEX`)
    },
  )
})

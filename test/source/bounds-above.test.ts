import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { boundsAbove, lowestAbove } from '../../src/source/bounds-above.ts'

const pinned = (from: bigint | string, to: bigint | string, column = 'id') =>
  ({ kind: 'integer', column, from: String(from), to: String(to), estimatedRows: null }) as const
const key = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n })

describe('the bounds of a run that follows another', () => {
  test.prop({ a: key, b: key, now: fc.tuple(key, key) })(
    'begin where the other one ends, and end where the source does, or hold nothing',
    ({ a, b, now: [c, d] }) => {
      const before = pinned(a < b ? a : b, a < b ? b : a)
      const now = { from: String(c < d ? c : d), to: String(c < d ? d : c) }
      const above = boundsAbove('integer', 'id', before, now)
      if (a === b) expect(above).toEqual(now)
      else {
        expect(above.from).toBe(before.to)
        expect(BigInt(above.to)).toBe(BigInt(now.to) > BigInt(before.to) ? BigInt(now.to) : BigInt(before.to))
      }
    },
  )

  test('are all there is when the other one was of an empty table: its bounds say nothing', () => {
    expect(lowestAbove(pinned(0n, 0n))).toBeNull()
    expect(boundsAbove('integer', 'id', pinned(0n, 0n), { from: '-5', to: '9' })).toEqual({ from: '-5', to: '9' })
    expect(boundsAbove('integer', 'id', undefined, { from: '-5', to: '9' })).toEqual({ from: '-5', to: '9' })
  })

  test('compare as numbers and as instants, not as text', () => {
    expect(boundsAbove('integer', 'id', pinned(1n, 9n), { from: '1', to: '10' })).toEqual({ from: '9', to: '10' })
    const time = { kind: 'time', column: 'at', estimatedRows: null } as const
    const before = { ...time, from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00.5Z' }
    const now = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }
    expect(boundsAbove('time', 'at', before, now)).toEqual({ from: before.to, to: before.to })
  })

  test('are none when the other one counted in something else', () => {
    const now = { from: '0', to: '9' }
    expect(() => boundsAbove('integer', 'id', pinned(1n, 2n, 'number'), now)).toThrow(
      'the run before is of column "number" (integer), and this one would be of column "id" (integer)',
    )
    expect(() => boundsAbove('integer', 'id', { kind: 'rows', files: [] }, now)).toThrow(/rows of files/)
  })
})

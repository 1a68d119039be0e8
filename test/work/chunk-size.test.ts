import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { grown, halved } from '../../src/work/chunk-size.ts'

test.prop([fc.integer({ min: 1, max: 500_000 }), fc.integer({ min: 1, max: 500_000 })])(
  'a chunk grows by a fifth at most, one row at least, and never beyond the limit',
  (rows, limit) => {
    const next = grown(rows, limit)
    expect(next).toBeLessThanOrEqual(limit)
    if (rows < limit) {
      expect(next).toBeGreaterThan(rows)
      expect(next).toBeLessThanOrEqual(Math.max(rows + 1, rows * 1.2))
    }
  },
)

test.prop([fc.integer({ min: 1, max: 500_000 })])(
  'halved often enough, every chunk is one row, and no less',
  (rows) => {
    let size = rows
    for (let step = 0; step < 19; step += 1) size = halved(size)
    expect(size).toBe(1)
    expect(halved(1)).toBe(1)
  },
)

import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { createRecentIds } from '../../src/subscribe/recent-ids.ts'

test.prop([fc.array(fc.nat(30)), fc.integer({ min: 2, max: 20 })])(
  'of the newest half none is taken for the first, and none that was never seen for a second',
  (ids, most) => {
    const recent = createRecentIds(most)
    for (const [at, id] of ids.entries()) {
      const isFirst = recent.isFirst(String(id))
      const before = ids.slice(0, at)
      if (!before.includes(id)) expect(isFirst).toBe(true)
      if (new Set(before.slice(before.lastIndexOf(id))).size < Math.floor(most / 2) && before.includes(id))
        expect(isFirst).toBe(false)
    }
  },
)

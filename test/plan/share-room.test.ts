import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { createStallWatch, type Publishing, shareRoom } from '../../src/plan/share-room.ts'

const run = (id: string, given: Partial<Publishing> = {}): Publishing => ({
  ...{ id, priority: 0, weight: 1, published: 0, ended: 0, mostOpen: null, partitions: 10_000 },
  ...given,
})
const room = { window: 1_000, batch: 100, isStalled: () => false }
const shares = (runs: readonly Publishing[], given = room): Record<string, number> =>
  Object.fromEntries(shareRoom(runs, given))

describe('the room for tasks', () => {
  it('is shared by weight', () => {
    expect(shares([run('a', { weight: 3 }), run('b')])).toEqual({ a: 75, b: 25 })
  })

  it('goes to a higher priority first, and what that leaves to the others', () => {
    const urgent = run('a', { priority: 5, partitions: 40 })
    expect(shares([run('b'), urgent, run('c')])).toEqual({ a: 40, b: 30, c: 30 })
    expect(shares([run('b'), { ...urgent, partitions: 400 }])).toEqual({ a: 100 })
  })

  it('is that of the window: what is open counts, what has ended does not', () => {
    expect(shares([run('a', { published: 1_000, ended: 30 }), run('b', { published: 1_000 })])).toEqual({ a: 30 })
  })

  it('is that of a limit of its own, where a run has one: neither more for standing still, nor more than the window', () => {
    const capped = run('a', { published: 10, ended: 4, mostOpen: 8 })
    expect(shares([capped])).toEqual({ a: 2 })
    const isStalled = (): boolean => true
    expect(
      shares(
        [
          { ...capped, mostOpen: 6 },
          { ...capped, id: 'b', mostOpen: 3 },
        ],
        { ...room, isStalled },
      ),
    ).toEqual({})
    expect(shares([run('a', { published: 990, mostOpen: 5_000 })])).toEqual({ a: 10 })
  })

  it('is made for a run whose open tasks stand still: others of its tasks may be served', () => {
    const full = run('a', { published: 1_000 })
    expect(shares([full], { ...room, isStalled: () => true })).toEqual({ a: 100 })
    let nowMs = 0
    const isStalled = createStallWatch(() => nowMs)
    expect(isStalled(full)).toBe(false)
    nowMs = 9_999
    expect(isStalled(full)).toBe(false)
    nowMs = 10_000
    expect(isStalled(full)).toBe(true)
    expect(isStalled({ ...full, ended: 1 })).toBe(false)
    nowMs = 19_999
    expect(isStalled({ ...full, ended: 1 })).toBe(false)
  })

  const any = fc.array(
    fc.record({
      priority: fc.integer({ min: -2, max: 2 }),
      weight: fc.integer({ min: 1, max: 9 }),
      published: fc.nat(3_000),
      ended: fc.nat(3_000),
      partitions: fc.nat(6_000),
      mostOpen: fc.option(fc.integer({ min: 1, max: 2_000 })),
    }),
    { maxLength: 8 },
  )
  test.prop([any])(
    'is never more than a batch, a window, the limit of the run or what is left, and is used up',
    (given) => {
      const runs = given.map((of, at) => {
        const published = Math.min(of.published, of.partitions)
        return run(String(at), { ...of, published, ended: Math.min(of.ended, published) })
      })
      const found = shareRoom(runs, room)
      let wanted = 0
      for (const { id, published, ended, partitions, mostOpen } of runs) {
        const window = Math.min(room.window, mostOpen ?? room.window)
        const most = Math.max(0, Math.min(window - (published - ended), partitions - published))
        wanted += most
        expect(found.get(id) ?? 0).toBeLessThanOrEqual(most)
      }
      const all = [...found.values()].reduce((sum, count) => sum + count, 0)
      expect(all).toBe(Math.min(room.batch, wanted))
    },
  )
})

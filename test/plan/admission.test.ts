import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { admit } from '../../src/plan/admission.ts'

const queue = (...targets: string[]) => targets.map((targetId, at) => ({ id: `run-${at}`, targetId }))

describe('admission', () => {
  it('lets runs begin in their order, as many as may be live', () => {
    const { admitted, waiting } = admit(queue('a', 'b', 'c'), ['x'], 3)
    expect(admitted).toEqual(['run-0', 'run-1'])
    expect([...waiting]).toEqual([['run-2', { position: 1, waitsFor: 'room' }]])
  })

  it('does not let one that waits for its target hold up the others', () => {
    const { admitted, waiting } = admit(queue('x', 'a', 'a'), ['x'], 10)
    expect(admitted).toEqual(['run-1'])
    expect([...waiting.values()]).toEqual([
      { position: 1, waitsFor: 'target' },
      { position: 2, waitsFor: 'target' },
    ])
  })

  const target = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  test.prop([fc.array(target), fc.uniqueArray(target), fc.integer({ min: 1, max: 6 })])(
    'never more than the limit, never two on one target, and nobody waits who need not',
    (targets, live, limit) => {
      const waits = queue(...targets)
      const { admitted, waiting } = admit(waits, live, limit)
      const targetOf = new Map(waits.map(({ id, targetId }) => [id, targetId]))
      const begun = admitted.map((id) => targetOf.get(id) ?? '')
      const taken = [...live, ...begun]
      expect(new Set(taken).size).toBe(taken.length)
      if (admitted.length > 0) expect(taken.length).toBeLessThanOrEqual(limit)
      expect(admitted.length + waiting.size).toBe(waits.length)
      for (const id of waiting.keys())
        expect(taken.length >= limit || taken.includes(targetOf.get(id) ?? '')).toBe(true)
    },
  )
})

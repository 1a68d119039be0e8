import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { joined, laidOver, minus, type Span, within } from '../../src/plan/stretches.ts'

interface Named extends Span {
  readonly name: string
}

/** Ascending and disjoint, in a domain of 40 places. */
const spans = fc
  .array(
    fc.record({ gap: fc.nat({ max: 6 }), length: fc.integer({ min: 1, max: 9 }), name: fc.constantFrom('a', 'b') }),
    {
      maxLength: 8,
    },
  )
  .map((parts) => {
    let at = 0
    return parts.map(({ gap, length, name }): Named => {
      const from = at + gap
      at = from + length
      return { from: BigInt(from), to: BigInt(at), name }
    })
  })

/** What stands at each place, one by one. */
const places = (of: Iterable<Named>): Map<bigint, string> => {
  const all = new Map<bigint, string>()
  for (const { from, to, name } of of)
    for (let at = from; at < to; at += 1n) {
      if (all.has(at)) throw new Error(`${at} is there twice`)
      all.set(at, name)
    }
  return all
}
const isAscending = (of: readonly Span[]): boolean =>
  of.every(({ from, to }, at) => from < to && (at === 0 || (of[at - 1]?.to ?? 0n) <= from))

test.prop([spans, spans])('minus leaves what the others do not have', (some, others) => {
  const left = [...minus(some, others)]
  expect(isAscending(left)).toBe(true)
  const taken = places(others)
  expect(places(left)).toEqual(new Map([...places(some)].filter(([at]) => !taken.has(at))))
})

test.prop([spans, spans])('within leaves what the others have too', (some, others) => {
  const left = [...within(some, others)]
  expect(isAscending(left)).toBe(true)
  const taken = places(others)
  expect(places(left)).toEqual(new Map([...places(some)].filter(([at]) => taken.has(at))))
})

test.prop([spans, spans])('what is laid over counts', (under, over) => {
  const both = laidOver(under, over)
  expect(isAscending(both)).toBe(true)
  expect(places(both)).toEqual(new Map([...places(under), ...places(over)]))
})

test.prop([spans])('neighbours that are alike become one, and say the same', (some) => {
  const isAlike = (a: Named, b: Named): boolean => a.name === b.name
  const fewer = joined(some, isAlike)
  expect(places(fewer)).toEqual(places(some))
  expect(fewer.some((span, at) => span.from === fewer[at - 1]?.to && span.name === fewer[at - 1]?.name)).toBe(false)
})

it('is nothing where nothing is', () => {
  expect([...minus([], [{ from: 0n, to: 1n }])]).toEqual([])
  expect([...within([{ from: 0n, to: 1n }], [])]).toEqual([])
})

import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { findRefused, type Refused } from '../../src/work/find-refused.ts'

interface Row {
  readonly n: number
  readonly bad: boolean
  readonly key: number
}

/** A table that takes no bad row, and no key twice. */
const refusalOf = (rows: readonly Row[]): string | null => {
  const keys = new Set<number>()
  for (const { n, bad, key } of rows) {
    if (bad) return `row ${n} is bad`
    if (keys.has(key)) return `key ${key} is there`
    keys.add(key)
  }
  return null
}

async function found(rows: readonly Row[]) {
  const refused: Refused<Row>[] = []
  let tries = 0
  const kept = await findRefused(
    rows,
    async (some) => {
      tries += 1
      return refusalOf(some)
    },
    (one) => refused.push(one),
  )
  return { kept, refused, tries }
}

const rowsOf = (bad: ReadonlySet<number>, count: number, key = (n: number): number => n): Row[] =>
  Array.from({ length: count }, (_, n) => ({ n, bad: bad.has(n), key: key(n) }))

test.prop([fc.integer({ min: 0, max: 300 }), fc.uniqueArray(fc.nat(299), { maxLength: 20 })])(
  'exactly the bad ones are found, in O(k log n) tries, each with its own reason',
  async (count, places) => {
    const bad = new Set(places.filter((place) => place < count))
    const { kept, refused, tries } = await found(rowsOf(bad, count))
    expect(refused.map(({ item }) => item.n)).toEqual([...bad].sort((a, b) => a - b))
    expect(refused.every(({ item, reason }) => reason === `row ${item.n} is bad`)).toBe(true)
    expect(kept.map(({ n }) => n)).toEqual(rowsOf(bad, count).flatMap(({ n }) => (bad.has(n) ? [] : [n])))
    expect(tries).toBeLessThanOrEqual(2 + bad.size * 2 * (Math.ceil(Math.log2(count + 1)) + 1))
  },
)

test.prop([fc.array(fc.record({ bad: fc.boolean(), key: fc.nat(30) }), { maxLength: 60 })])(
  'of rows that do not go together the first stays, and what is kept passes as a whole',
  async (given) => {
    const rows = given.map((row, n) => ({ ...row, n }))
    const { kept, refused } = await found(rows)
    expect(refusalOf(kept)).toBeNull()
    expect(kept.length + refused.length).toBe(rows.length)
    const firsts = new Map<number, number>()
    for (const { n, bad, key } of rows) if (!bad && !firsts.has(key)) firsts.set(key, n)
    expect(kept.map(({ n }) => n)).toEqual([...firsts.values()])
  },
)

test('the search ends when the one who is told has heard enough', async () => {
  let told = 0
  const search = findRefused(
    rowsOf(new Set([3, 4, 5]), 1_000),
    async (some) => refusalOf(some),
    () => {
      told += 1
      if (told === 2) throw new Error('enough')
    },
  )
  await expect(search).rejects.toThrow('enough')
  expect(told).toBe(2)
})

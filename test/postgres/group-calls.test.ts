import { expect, test } from 'vitest'
import { groupCalls } from '../../src/postgres/group-calls.ts'

interface Made {
  readonly sizes: number[]
  /** Ends the calls that are on their way. */
  end(): void
}

function slow(clash: (a: number, b: number) => boolean = () => false): Made & { call(item: number): Promise<string> } {
  const sizes: number[] = []
  let gate = Promise.withResolvers<void>()
  const call = groupCalls<number, string>({
    alone: async (item) => {
      sizes.push(1)
      await gate.promise
      return `${item} alone`
    },
    together: async (items) => {
      sizes.push(items.length)
      await gate.promise
      if (items.includes(13)) throw new Error('lost')
      return items.map((item) =>
        item === 7 ? undefined : item === 8 ? { error: new Error('eight') } : { result: `${item} together` },
      )
    },
    clash,
  })
  return {
    sizes,
    call,
    end: () => {
      gate.resolve()
      gate = Promise.withResolvers()
    },
  }
}

/** Calls `items` while another is on its way, so that they wait for each other; ends everything. */
async function waiting(items: readonly number[], clash?: (a: number, b: number) => boolean) {
  const { sizes, call, end } = slow(clash)
  const before = call(101)
  await expect.poll(() => sizes).toEqual([1])
  const asked = Promise.allSettled(items.map(call))
  end()
  await before
  await expect.poll(() => sizes.length).toBeGreaterThan(1)
  end()
  const poll = setInterval(end, 1)
  const settled = await asked
  clearInterval(poll)
  return { sizes, settled }
}

test('a call that comes alone is made alone', async () => {
  const { sizes, call, end } = slow()
  const result = call(1)
  await expect.poll(() => sizes).toEqual([1])
  end()
  expect(await result).toBe('1 alone')
})

test('calls that come in one turn of the event loop are made together', async () => {
  const { sizes, call, end } = slow()
  const results = Promise.all([call(1), Promise.resolve().then(() => call(2))])
  await expect.poll(() => sizes).toEqual([2])
  end()
  expect(await results).toEqual(['1 together', '2 together'])
})

test('calls that come while others are on their way are made together, in their order', async () => {
  const { sizes, settled } = await waiting([1, 2, 3])
  expect(sizes).toEqual([1, 3])
  expect(settled.map((one) => one.status === 'fulfilled' && one.value)).toEqual([
    '1 together',
    '2 together',
    '3 together',
  ])
})

test('each call has its own outcome: a result, an error, or to be made alone', async () => {
  const { sizes, settled } = await waiting([6, 7, 8])
  expect(sizes).toEqual([1, 3, 1])
  expect(settled.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    '6 together',
    '7 alone',
    'Error: eight',
  ])
})

test('a group that fails as a whole rejects all of it', async () => {
  const { settled } = await waiting([12, 13])
  expect(settled.map((one) => one.status === 'rejected' && String(one.reason))).toEqual(['Error: lost', 'Error: lost'])
})

test('items that clash are never in one group', async () => {
  const { sizes, settled } = await waiting([1, 2, 1, 3, 1], (a, b) => a === b)
  expect(sizes).toEqual([1, 3, 1, 1])
  expect(settled.every((one) => one.status === 'fulfilled')).toBe(true)
})

test('calls that wait, for a lock say, do not hold up those behind them', async () => {
  const { sizes, call, end } = slow()
  const stuck = call(1)
  await expect.poll(() => sizes).toEqual([1])
  const second = call(2)
  await expect.poll(() => sizes).toEqual([1, 1])
  end()
  await Promise.all([stuck, second])
})

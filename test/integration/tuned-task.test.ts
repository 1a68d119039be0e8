// Risk: a task goes on with chunks of the old size, reads faster than its run may, or is taken for one that is stuck,
// dead or too slow because it waits.
import { expect, test } from 'vitest'
import { noSettings, type Settings } from '../../src/contract/settings.ts'
import { createPace } from '../../src/work/pace.ts'
import { runTask } from '../../src/work/run-task.ts'
import { createStageWatch } from '../../src/work/stage-watch.ts'
import { watchStages } from '../../src/work/watch-stages.ts'
import { eventually } from '../support/eventually.ts'
import { type OneTask, oneTask } from '../support/one-task.ts'

const chunks = async (one: OneTask): Promise<number[]> =>
  (await one.sql<{ rows: number }>('select rows_read::int as rows from :schema.chunk order by sequence')).map(
    ({ rows }) => rows,
  )
const targetRows = async (one: OneTask): Promise<unknown> =>
  (await one.sql('select count(*)::int as rows, count(distinct id)::int as "distinct" from :schema.target'))[0]

test('the next chunk has as many rows as were tuned in the middle of the one before, and then as the definition says again', async () => {
  let settings: Settings = noSettings
  const one = await oneTask({
    rows: 1_000,
    settings: () => settings,
    transform: (row) => {
      if (row['id'] === 150) settings = { ...noSettings, chunkRows: 250 }
      if (row['id'] === 460) settings = { ...noSettings, chunkRows: 30 }
      if (row['id'] === 710) settings = noSettings
      return row
    },
  })
  expect(await one.try()).toBe('finished')
  expect(await chunks(one)).toEqual([100, 100, 250, 250, 30, 100, 100, 70])
  expect(await targetRows(one)).toEqual({ rows: 1_000, distinct: 1_000 })
})

test('a chunk that fails for its size is halved from what was tuned, and grows to that again', async () => {
  const settings = { ...noSettings, chunkRows: 40 }
  const one = await oneTask({ rows: 400, settings: () => settings, limits: { chunkTimeoutMs: 100 } })
  let isSlow = true
  one.opened.current = {
    ...one.opened.current,
    backfill: {
      ...one.opened.current.backfill,
      transform: async (row) => {
        if (row['id'] !== 10 || !isSlow) return row
        isSlow = false
        return new Promise(() => {})
      },
    },
  }
  expect(await one.untilDone()).toBe('finished')
  const sizes = await chunks(one)
  expect(sizes[0]).toBe(20)
  expect(Math.max(...sizes)).toBe(40)
  expect(await targetRows(one)).toEqual({ rows: 400, distinct: 400 })
})

test('rows are read no faster than the rate, in chunks of a second at most', async () => {
  const rate = 400
  const one = await oneTask({ rows: 600, settings: () => ({ ...noSettings, rowsPerSecond: rate, chunkRows: 25_000 }) })
  let read = 0
  const began = performance.now()
  const tooMany: number[] = []
  Object.assign(one.deps, {
    countRead: (rows: number) => {
      read += rows
      const most = (rate * (performance.now() - began)) / 1_000 + rate
      if (read > most) tooMany.push(read - most)
    },
  })
  expect(await one.try()).toBe('finished')
  expect([read, tooMany]).toEqual([600, []])
  expect(Math.max(...(await chunks(one)))).toBeLessThanOrEqual(rate)
})

test('a task that waits for its turn is in no stage, and uses up none of its time', async () => {
  const watch = createStageWatch(() => performance.now())
  const one = await oneTask({
    rows: 600,
    settings: () => ({ ...noSettings, rowsPerSecond: 100 }),
    // Less than it waits: a second for each chunk but the first.
    limits: { partitionTimeoutMs: 3_000 },
  })
  one.opened.current = watchStages(one.opened.current, watch.enter)
  const looks: number[] = []
  const looking = setInterval(() => looks.push(watch.underWay.size), 20)
  expect(await one.try()).toBe('finished')
  clearInterval(looking)
  expect(looks.filter((stages) => stages === 0).length).toBeGreaterThan(looks.length / 2)
  expect(one.memory.workedMs).toBeLessThan(3_000)
  expect(await targetRows(one)).toEqual({ rows: 600, distinct: 600 })
})

test('a task that waits keeps its lease, and stops when it is told to', async () => {
  const one = await oneTask({ rows: 100 })
  const stop = new AbortController()
  const pace = createPace({
    settingsOf: () => ({ ...noSettings, rowsPerSecond: 5 }),
    share: () => 0,
    nowMs: () => performance.now(),
  })
  const place = { topicPartition: 3, offset: 42n }
  const deps = { ...one.deps, pace, leaseMs: 300 }
  const outcome = runTask(deps, one.task, place, one.memory, stop.signal, () => {})
  const leases = new Set<string>()
  await eventually('the lease was renewed twice', async () => {
    for (const { until } of await one.sql<{ until: string }>(
      'select lease_until::text as until from :schema.checkpoint',
    ))
      leases.add(until)
    return leases.size > 2 || undefined
  })
  stop.abort()
  expect(await outcome).toBe('interrupted')
  expect(await chunks(one)).toEqual([])
})

// Risk: what is finished is done again, or what is not is left out; a retry does another part of a run than was meant.
import { v7 as uuidV7 } from 'uuid'
import { expect, test } from 'vitest'
import { controlDatabase } from '../support/control-database.ts'
import { bounds, endWith, inRuns, planner, reasons, retry, start, types, world } from '../support/planner-world.ts'

test('what failed in a run is done again by a run of its own, with the same bounds, planned the same after a crash', async () => {
  const [database, around] = [await controlDatabase(), world()]
  await planner(database, around)([start({ priority: 3 })])
  const runId = await endWith(database, around, [2, 7, 9])
  // The source has grown since: what failed is done again, and not more.
  around.lastKey = 500
  await expect(
    planner(database, around, inRuns('writePage', 'before'))([retry(runId)], { offset: 1 }),
  ).rejects.toThrow()
  await planner(database, around)([retry(runId)], { offset: 1 })
  const again = around.tasks.slice(10).toSorted((a, b) => a.index - b.index)
  expect(again.map(({ index, range }) => [index, bounds(range)])).toEqual([
    [0, '20-30'],
    [1, '70-80'],
    [2, '90-100'],
  ])
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId)).size).toBe(13)
  const [stored] = await database.rows(
    'select retry_of, priority, params, partitions from :schema.run where retry_of is not null',
  )
  expect(stored).toEqual({ retry_of: runId, priority: '3', params: { from: 0, to: 100 }, partitions: '3' })
  const second = await endWith(database, around, [1])
  await planner(database, around)([retry(second)], { offset: 2 })
  expect(around.tasks.slice(13).map(({ range }) => bounds(range))).toEqual(['70-80'])
})

test('a partition that is named is done again; what cannot be is told with every reason', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  await hand([start()])
  const [first] = around.tasks
  const idAt = (index: number): string => around.tasks.find((task) => task.index === index)?.partitionId ?? ''
  await hand([retry(first?.runId ?? '', { requestKey: 'early' })], { offset: 1 })
  const runId = await endWith(database, around, [4, 5])
  const unknown = uuidV7()
  await hand([retry(runId, { requestKey: 'wrong', partitionIds: [idAt(4), idAt(6), unknown] })], { offset: 2 })
  await hand([retry(unknown, { requestKey: 'nobody' })], { offset: 3 })
  expect(reasons(around)).toEqual([
    `retry of run ${runId}: it is running; what failed in it can be done again when it has ended`,
    `retry of partition ${idAt(6)}: it is completed, there is nothing to do again`,
    `retry of partition ${unknown}: run ${runId} has no such partition`,
    `retry of run ${unknown}: no such run is known`,
  ])
  await hand([retry(runId, { requestKey: 'right', partitionIds: [idAt(5)] })], { offset: 4 })
  expect(around.tasks.slice(10).map(({ range }) => bounds(range))).toEqual(['50-60'])
  const again = await endWith(database, around, [])
  await hand([retry(again, { requestKey: 'none' })], { offset: 5 })
  expect(reasons(around).at(-1)).toBe(`retry of run ${again}: it is failed, and no partition of it failed`)
})

test('ranges, keys and partitions with rejected rows of a run are done again, and belong to it', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  let offset = 0
  const ask = async (runId: string, given: object): Promise<string[]> => {
    const before = around.tasks.length
    offset += 1
    await hand([retry(runId, { requestKey: JSON.stringify(given), ...given })], { offset })
    return around.tasks
      .slice(before)
      .toSorted((a, b) => a.index - b.index)
      .map(({ range }) => bounds(range))
  }
  await hand([start()])
  const runId = await endWith(database, around, [])
  const first = around.tasks[0]
  if (first === undefined) throw new Error('there is no task')
  const ranges = [
    { from: '25', to: '41' },
    { from: '90', to: '95' },
    { from: '38', to: '45' },
  ]
  expect(await ask(runId, { ranges })).toEqual(['25-30', '30-40', '40-45', '90-95'])
  await endWith(database, around, [])
  expect(await ask(runId, { rejected: true })).toEqual([])
  await database.rows('update :schema.ledger_partition set rows_rejected = 2 where partition_id = $1', [
    first.partitionId,
  ])
  expect(await ask(runId, { rejected: true })).toEqual([bounds(first.range)])
  await endWith(database, around, [])
  expect(await ask(runId, { keys: ['a', 'b', 'c'] })).toEqual(['["a"]-after ["c"]'])
  const wrong = [
    { from: '25', to: 'x' },
    { from: '50', to: '40' },
    { from: '90', to: '101' },
  ]
  expect(await ask(runId, { ranges: wrong })).toEqual([])
  expect(await ask(runId, { ranges, rejected: true })).toEqual([])
  expect(reasons(around)).toEqual([
    `retry of run ${runId}: it is failed, and no partition of it has rejected rows`,
    'ranges[0].to is "x": "x" is not a whole number',
    'ranges[1] is from "50" to "40": from must be below to',
    'ranges[2].to is "101": the run is from 0 to 100',
    'it may name one of partitionIds, rejected, ranges, keys, not several',
  ])
  const stored = await database.rows('select retry_what from :schema.run where retry_of = $1 order by accepted_at', [
    runId,
  ])
  expect(stored.map(({ retry_what }) => retry_what)).toEqual(['cut', 'rejected', 'cut'])
})

test('a new request does only what earlier runs left, or what failed in them', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  const ask = async (requestKey: string, given: object): Promise<string[]> => {
    const before = around.tasks.length
    await hand([start({ requestKey, ...given })], { offset: before + 1 })
    return around.tasks
      .slice(before)
      .toSorted((a, b) => a.index - b.index)
      .map(({ index, range }) => `${index}: ${bounds(range)}`)
  }
  await hand([start()])
  const first = String((await database.rows('select id from :schema.run'))[0]?.id)
  expect(await ask('early', { reprocess: 'missing' })).toEqual([])
  await endWith(database, around, [2, 7])
  // The source has grown: what came in is missing, what failed is no more than it was.
  Object.assign(around, { lastKey: 15 })
  expect(await ask('failed', { reprocess: 'failed' })).toEqual(['0: 20-30', '1: 70-80'])
  const second = await endWith(database, around, [1])
  expect(await ask('missing', { reprocess: 'missing' })).toEqual(['0: 70-80', '1: 100-110', '2: 110-115'])
  const [stored] = await database.rows(
    `select partitions, bounds->'only' as only from :schema.run where request_key = 'missing'`,
  )
  expect(stored).toEqual({
    partitions: '3',
    only: [
      { from: '70', to: '80' },
      { from: '100', to: '115' },
    ],
  })
  const third = await endWith(database, around, [])
  expect(await ask('nothing', { reprocess: 'failed' })).toEqual([])
  expect(await ask('all done', { reprocess: 'missing' })).toEqual([])
  expect(reasons(around)).toEqual([
    `reprocess "missing": run ${first} still works on the domain: ask again when it has ended`,
    `reprocess "failed": nothing of 0 to 115 failed: run ${first} and 2 more have it`,
    `reprocess "missing": nothing of 0 to 115 is missing: run ${first} and 2 more have it`,
  ])
  expect(new Set([first, second, third]).size).toBe(3)
  // Other params are other work, but for the bounds; another backfill and another target have a history of their own.
  expect(await ask('us', { reprocess: 'missing', params: { from: 0, to: 5, region: 'us' } })).toEqual([
    '0: 0-10',
    '1: 10-20',
  ])
  await endWith(database, around, [])
  expect(await ask('trips', { reprocess: 'missing', backfill: 'trips', params: { from: 0, to: 5 } })).toHaveLength(2)
})

test('a dry run tells what the request would do, each time as it is then, and keeps nothing', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  const dry = (given: object = {}): object => start({ requestKey: 'dry', dryRun: true, ...given })
  const told = (): unknown[] =>
    around.events.flatMap((event) =>
      event.type === 'request.reported'
        ? [[event.requestKey, event.report.listed.map(bounds), event.report.selection]]
        : [],
    )
  await hand([dry({ params: { from: 0, to: 20 } })])
  expect(types(around)).toEqual(['request.reported'])
  expect(told()).toEqual([['dry', ['0-10', '10-20'], null]])
  expect(await database.rows('select from :schema.run')).toEqual([])
  // Its key is free.
  await hand([start({ requestKey: 'dry', params: { from: 0, to: 20 } })], { offset: 1 })
  expect(types(around).slice(1)).toEqual(['request.accepted', 'run.planned'])
  const runId = await endWith(database, around, [1])
  await hand([dry({ params: { from: 0, to: 30 }, reprocess: 'failed' })], { offset: 2 })
  expect(told()[1]).toEqual([
    'dry',
    ['10-20'],
    {
      reprocess: 'failed',
      leftOut: [
        { from: '0', to: '10', why: 'completed', runId },
        { from: '20', to: '30', why: 'never tried', runId: null },
      ],
      leftOutRanges: 2,
      ignoredRuns: 0,
    },
  ])
  await hand([dry({ params: { from: 'a' } }), dry({ follow: true })], { offset: 3 })
  expect(reasons(around)).toEqual([
    'params.from: Invalid input: expected number, received string, got "a"',
    'params.to: Invalid input: expected number, received undefined',
    'follow: a dry run takes none',
  ])
  expect(around.tasks).toHaveLength(2)
})

test('of two requests for what is missing that come at once, one does it', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const ask = (requestKey: string): object => start({ requestKey, reprocess: 'missing' })
  await Promise.all([
    planner(database, around)([ask('one')], { topicPartition: 0 }),
    planner(database, around)([ask('two')], { topicPartition: 1 }),
  ])
  // Both may have published them.
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId)).size).toBe(10)
  const [run] = await database.rows('select id from :schema.run')
  expect(reasons(around)).toEqual([
    `reprocess "missing": run ${String(run?.id)} still works on the domain: ask again when it has ended`,
  ])
})

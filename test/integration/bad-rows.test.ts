// Risk: one bad row stops a run, is lost without a trace, takes good rows with it, or gives secrets away.
import { describe, expect, test } from 'vitest'
import { type OneTask, oneTask } from '../support/one-task.ts'

interface Rejected extends Record<string, unknown> {
  readonly position: string
  readonly reason: string
  readonly row: string
}

const rejectedRows = (world: OneTask): Promise<readonly Rejected[]> =>
  world.sql('select position, reason, row from :schema.rejected_row order by sequence, position')
const storedIds = async (world: OneTask): Promise<number[]> =>
  (await world.sql<{ id: number }>('select id::int from :schema.target order by id')).map(({ id }) => id)
const without = (count: number, missing: readonly number[]): number[] =>
  Array.from({ length: count }, (_, n) => n).filter((n) => !missing.includes(n))

/** Every row read is written, left out or rejected; and what was sent is what is stored. */
async function expectAccount(world: OneTask): Promise<void> {
  const checkpoint = await world.checkpoint()
  const { rowsRead, rowsWritten, rowsFiltered, rowsRejected, contentHash } = checkpoint?.totals ?? {}
  expect(rowsRead).toBe(Number(rowsWritten) + Number(rowsFiltered) + Number(rowsRejected))
  const stored = (await world.opened.current.sink.stored([world.task.range]))?.[0]
  expect(stored).toEqual({ rows: rowsWritten, contentHash })
  expect(await rejectedRows(world)).toHaveLength(Number(rowsRejected))
}

describe.each(['insert', 'upsert'] as const)('postgres.%s', (kind) => {
  test.each<[string, string, string]>([
    ['a check', ', constraint n_fits check (n % 37 <> 5)', '"n_fits"'],
    ['a trigger that casts', '', 'integer out of range'],
    ['a foreign key', ', constraint n_known foreign key (n) references :schema.known (n)', '"n_known"'],
    [
      'a constraint that only COMMIT looks at',
      ', constraint n_later foreign key (n) references :schema.known (n) deferrable initially deferred',
      '"n_later"',
    ],
  ])(
    'rows refused by %s are rejected with the server’s reason, and all others are written',
    async (what, target, why) => {
      const world = await oneTask({
        ...{ rows: 250, kind, limits: { chunkRows: 100, maxRejectedRows: 100 } },
        target: ', unique (id)',
      })
      await world.sql(`
      create table :schema.known as select n from generate_series(0, 250) as n where n % 37 <> 5;
      alter table :schema.known add unique (n)`)
      if (target !== '') await world.sql(`alter table :schema.target add ${target.slice(2)}`)
      if (what === 'a trigger that casts')
        await world.sql(`
        create function :schema.cast_n() returns trigger language plpgsql as
          $$ begin if new.n % 37 = 5 then new.n := (new.n::bigint * 10000000000)::int; end if; return new; end $$;
        create trigger cast_n before insert on :schema.target for each row execute function :schema.cast_n()`)
      expect(await world.untilDone()).toBe('finished')
      const bad = [5, 42, 79, 116, 153, 190, 227]
      expect(await storedIds(world)).toEqual(without(250, bad))
      const rejected = await rejectedRows(world)
      expect(rejected.map(({ row }) => (JSON.parse(row) as { id: number }).id).sort((a, b) => a - b)).toEqual(bad)
      for (const { reason } of rejected) expect(reason).toContain(why)
      expect(rejected.map(({ position }) => position)).toContain('row 5 after the beginning (0)')
      await expectAccount(world)
      expect(await world.checkpoint()).toMatchObject({ state: 'completed', totals: { rowsRejected: 7, chunks: 3 } })
      expect([world.letters, world.parked]).toEqual([[], []])
    },
  )
})

test('of rows that do not go together the first is written, and one that several rows came from is rejected whole', async () => {
  const world = await oneTask({
    ...{ rows: 60, target: ', n_key int4 generated always as (n % 1000) stored, unique (n_key)' },
    limits: { maxRejectedRows: 10 },
    transform: (row) => {
      const { id, n } = row as { id: number; n: number }
      // 7 and 50 get the key of a row before them; 20 becomes two rows, of which the second has the key of the row 3.
      if (n === 7) return { ...row, n: 2 }
      if (n === 50) return { ...row, n: 49 }
      return n === 20 ? [row, { ...row, id, n: 3 }] : row
    },
  })
  expect(await world.untilDone()).toBe('finished')
  expect(await storedIds(world)).toEqual(without(60, [7, 20, 50]))
  const rejected = await rejectedRows(world)
  expect(rejected).toHaveLength(3)
  for (const { reason } of rejected) expect(reason).toMatch(/target_n_key_key.*already exists/)
  await expectAccount(world)
})

test('what the transform refuses and what the server refuses are rejected alike', async () => {
  const world = await oneTask({
    ...{ rows: 100, target: ', check (n <> 50)', limits: { maxRejectedRows: 3 } },
    transform: (row) => {
      if (row['n'] === 10) throw new Error('no such airport')
      return row['n'] === 11 ? undefined : row
    },
  })
  expect(await world.untilDone()).toBe('finished')
  expect(await storedIds(world)).toEqual(without(100, [10, 11, 50]))
  await expectAccount(world)
})

test('a transform that gives the same object again and again is not mixed up when rows are looked for', async () => {
  const shared: Record<string, unknown> = {}
  const world = await oneTask({
    ...{ rows: 100, target: ', check (n <> 50)', limits: { maxRejectedRows: 3 } },
    transform: (row) => Object.assign(shared, row),
  })
  expect(await world.untilDone()).toBe('finished')
  const stored = await world.sql<{ id: number; n: number }>('select id::int, n from :schema.target order by id')
  expect(stored).toEqual(without(100, [50]).map((id) => ({ id, n: id })))
  await expectAccount(world)
})

test('without a budget one bad row fails the partition: one dead letter that names it, one event, nothing of the chunk', async () => {
  const world = await oneTask({ rows: 250, target: ', constraint n_fits check (n <> 150)' })
  expect(await world.untilDone()).toBe('finished')
  expect(await storedIds(world)).toEqual(without(100, []))
  const checkpoint = await world.checkpoint()
  expect(checkpoint).toMatchObject({ state: 'failed', sequence: 1, failure: { reason: 'ROW_INVALID', attempts: 1 } })
  expect(world.letters).toHaveLength(1)
  expect(world.letters[0]).toMatchObject({
    ...{ what: 'partition', reason: 'ROW_INVALID', partitionId: world.task.partitionId, runId: world.task.runId },
    ...{ topic: 'tidemark.tasks', topicPartition: 3, offset: '42', cursor: checkpoint?.cursor },
    message: expect.stringMatching(/^row 50 after .*"n_fits"/),
    failed: {
      ...{ backfill: 'people', epoch: 2, sequence: 1, attempts: 1, worker: 'worker-1' },
      sample: ['{"id":150,"n":150,"email":"person-150@example.com"}'],
    },
  })
  expect(world.events.filter(({ type }) => type === 'partition.failed')).toMatchObject([
    { reason: 'ROW_INVALID', attempts: 1, epoch: 2, sequence: 1 },
  ])
  expect(world.parked).toEqual([])

  // Delivered again, it tells the same again.
  expect(await world.try()).toBe('finished')
  expect(world.letters[1]).toEqual({ ...world.letters[0], at: expect.any(String) })
})

test('the budget is the run’s: spent, the run is parked, and the partition goes on where it was once the row is mended', async () => {
  const world = await oneTask({ rows: 300, target: ', check (n % 100 <> 50)', limits: { maxRejectedRows: 3 } })
  // Another partition of the run has had its share of it.
  await world.sql(`
    insert into :schema.checkpoint (partition_id, run_id, backfill, index, kind, "from", "to", epoch, state, holder, held_for,
      lease_until, rows_read, rows_rejected)
    values (gen_random_uuid(), '${world.task.runId}', 'people', 1, 'integer', '0', '1', 1, 'completed', 'w', 1, now(), 10, 2)`)
  const outcome = await world.try()
  expect(outcome).toEqual({ restMs: 2_000 })
  expect(world.parked).toEqual([world.task.runId])
  expect(await world.checkpoint()).toBeDefined()
  const own = async () =>
    (await world.opened.current.sink.checkpoints(world.task.runId)).find(
      ({ partitionId }) => partitionId === world.task.partitionId,
    )
  expect(await own()).toMatchObject({ state: 'running', sequence: 1, totals: { rowsRead: 100, rowsRejected: 1 } })
  expect([world.letters, world.events.filter(({ type }) => type === 'partition.failed')]).toEqual([[], []])
  expect(world.logged.at(-1)).toContain('4 rows of the run are bad, limits.maxRejectedRows is 3')

  await world.sql('update :schema.source set n = 0 where n in (150, 250)')
  expect(await world.untilDone()).toBe('finished')
  expect(await own()).toMatchObject({
    state: 'completed',
    totals: { rowsRead: 300, rowsRejected: 1, rowsWritten: 299 },
  })
})

test('a share of bad rows parks the run too', async () => {
  const world = await oneTask({
    rows: 2_000,
    target: ', check (n % 50 <> 7)',
    limits: { chunkRows: 500, maxRejectedRatio: 0.01 },
  })
  expect(await world.try()).toEqual({ restMs: 2_000 })
  expect(world.parked).toEqual([world.task.runId])
  expect(world.logged.at(-1)).toContain('limits.maxRejectedRatio is 0.01')
  expect(await world.checkpoint()).toMatchObject({ sequence: 1, totals: { rowsRead: 500, rowsRejected: 10 } })
})

test.each(['sink', 'transform', 'encoder'] as const)(
  'what is redacted stands in no dead letter, rejected row, event, checkpoint or log: refused by the %s',
  async (where) => {
    const canary = 'person-60@example.com'
    const world = await oneTask({
      ...{ rows: 100, redact: ['email'], limits: { chunkRows: 50, maxRejectedRows: 1 } },
      target: ', constraint no_canary check (n not in (30, 60))',
      transform: (row) => {
        if (where === 'sink') return row
        if (row['n'] !== 30 && row['n'] !== 60) return row
        if (where === 'transform') throw new Error(`who is ${row['email'] as string}?`)
        return { ...row, n: row['email'] }
      },
    })
    expect(await world.try()).toEqual({ restMs: 2_000 })
    // And with nothing left to be rejected at all.
    world.opened.current = {
      ...world.opened.current,
      backfill: {
        ...world.opened.current.backfill,
        limits: { ...world.opened.current.backfill.limits, maxRejectedRows: 0 },
      },
    }
    expect(await world.untilDone()).toBe('finished')
    const everything = JSON.stringify([
      ...[world.letters, world.events, world.logged, await rejectedRows(world)],
      await world.sql('select * from :schema.checkpoint'),
    ])
    expect(everything).not.toContain(canary)
    expect(everything).not.toContain('person-30@')
    expect(everything).toContain('[redacted]')
    expect(world.letters[0]?.failed?.sample).toEqual(['{"id":60,"n":60,"email":"[redacted]"}'])
  },
)

test.each([
  ['told', []],
  ['not told where it is redacted', ['n']],
] as const)('the value that a source cannot read is %s', async (_what, redact) => {
  const world = await oneTask({ rows: 10, redact })
  await world.sql(
    'alter table :schema.source alter n type int8; update :schema.source set n = 9007199254740993 where id = 3',
  )
  expect(await world.untilDone()).toBe('finished')
  const everything = JSON.stringify([world.letters, world.events, world.logged, await world.checkpoint()])
  expect(everything).toContain('SOURCE_NOT_READABLE')
  expect(everything.includes('9007199254740993')).toBe(redact.length === 0)
})

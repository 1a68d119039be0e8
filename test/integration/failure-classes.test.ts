// Risk: what would pass by itself fails a partition, or what never passes is tried for ever.
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Page, Source } from '../../src/source/source.ts'
import { type OneTask, oneTask } from '../support/one-task.ts'

const chunkSizes = async (world: OneTask): Promise<number[]> =>
  (await world.sql<{ rows: number }>('select rows_read::int as rows from :schema.chunk order by sequence')).map(
    ({ rows }) => rows,
  )
const rests = ({ outcomes }: OneTask): number[] =>
  outcomes.flatMap((outcome) => (typeof outcome === 'string' ? [] : [outcome.restMs]))

test('a sink that somebody else has locked is named, costs nothing, and is written to when the lock is gone', async () => {
  const world = await oneTask({ rows: 150, session: 'set lock_timeout = 100' })
  const unlock = await world.lockTarget()
  for (let tries = 0; tries < 5; tries += 1) await world.try()
  expect(rests(world)).toEqual([100, 200, 400, 800, 1_000])
  expect(world.logged.at(-1)).toMatch(
    /somebody else holds a lock .*"attempts":0|"attempts":0.*somebody else holds a lock/,
  )
  expect(await world.checkpoint()).toMatchObject({ state: 'running', sequence: 0 })
  await unlock()
  expect(await world.untilDone()).toBe('finished')
  expect(await world.checkpoint()).toMatchObject({ state: 'completed', totals: { rowsWritten: 150 } })
  expect(world.letters).toEqual([])
})

test.each([
  ['53100', 'the disk of Postgres'],
  ['40P01', 'had to give up the transaction for another one'],
  ['40001', 'had to give up the transaction for another one'],
  ['53300', 'takes more connections'],
])('%s passes by itself: more tries than there are attempts, and then it goes on', async (code, named) => {
  const world = await oneTask({ rows: 50, retry: { maxAttempts: 2 } })
  await world.sql(`
    create table :schema.trouble (n int);
    insert into :schema.trouble values (1);
    create function :schema.fail() returns trigger language plpgsql as
      $$ begin if exists (select from :schema.trouble) then raise exception 'as the server says it' using errcode = '${code}'; end if;
         return null; end $$;
    create trigger fail before insert on :schema.target for each statement execute function :schema.fail()`)
  for (let tries = 0; tries < 4; tries += 1) expect(await world.try()).toEqual({ restMs: expect.any(Number) })
  expect(world.logged.at(-1)).toContain(named)
  expect(world.logged.at(-1)).toContain('"attempts":0')
  await world.sql('delete from :schema.trouble')
  expect(await world.untilDone()).toBe('finished')
  expect(await world.checkpoint()).toMatchObject({ state: 'completed', totals: { rowsWritten: 50 } })
})

test('a worker whose definition is another one than the plan was made with writes nothing, and says which worker has which', async () => {
  const world = await oneTask({ rows: 50 })
  const { opened, task, deps } = world
  opened.current = { ...opened.current, hash: 'b'.repeat(64) }
  expect(await world.try()).toBe('finished')
  expect(world.letters).toMatchObject([{ what: 'partition', reason: 'DEFINITION_INVALID', failed: { attempts: 1 } }])
  for (const named of [task.definitionHash, deps.worker, 'bbbbbbbbbbbb', 'same definitions'])
    expect(world.letters[0]?.message).toContain(named)
  expect(await world.sql('select 1 from :schema.target')).toEqual([])
})

test('permission revoked in the middle fails the partition at once, and says whose', async () => {
  const world = await oneTask({ rows: 300, ownRole: true })
  const { opened } = world
  const { sink } = opened.current
  let commits = 0
  opened.current = {
    ...opened.current,
    sink: {
      ...sink,
      commit: async (chunk) => {
        const checkpoint = await sink.commit(chunk)
        commits += 1
        if (commits === 1) await world.sql(`revoke insert on :schema.target from ${world.role}`)
        return checkpoint
      },
    },
  }
  expect(await world.untilDone()).toBe('finished')
  expect(world.outcomes).toEqual(['finished'])
  expect(await world.checkpoint()).toMatchObject({
    ...{ state: 'failed', sequence: 1, totals: { rowsWritten: 100 } },
    failure: {
      reason: 'SINK_NOT_WRITABLE',
      attempts: 1,
      message: expect.stringContaining('permission denied for table target'),
    },
  })
  expect(world.letters).toMatchObject([
    {
      reason: 'SINK_NOT_WRITABLE',
      failed: { sample: [expect.stringContaining('"id":100'), expect.any(String), expect.any(String)] },
    },
  ])
})

test('a column that is dropped in the middle fails the partition at once', async () => {
  const world = await oneTask({ rows: 100 })
  await world.opened.current.sink.check(new AbortController().signal)
  await world.sql('alter table :schema.target drop column email')
  expect(await world.untilDone()).toBe('finished')
  expect(await world.checkpoint()).toMatchObject({
    state: 'failed',
    failure: { reason: 'SINK_NOT_WRITABLE', attempts: 1 },
  })
})

test('a statement that takes too long is made smaller until it does not, and the chunks grow again', async () => {
  const world = await oneTask({ rows: 400, session: 'set statement_timeout = 400', limits: { chunkRows: 100 } })
  // The middle of the table is slow, by the row.
  await world.sql(`
    create function :schema.slow() returns trigger language plpgsql as
      $$ begin if new.n between 100 and 129 then perform pg_sleep(0.03); end if; return new; end $$;
    create trigger slow before insert on :schema.target for each row execute function :schema.slow()`)
  expect(await world.untilDone()).toBe('finished')
  expect(await world.checkpoint()).toMatchObject({ state: 'completed', totals: { rowsWritten: 400 } })
  const sizes = await chunkSizes(world)
  expect(sizes[0]).toBe(100)
  expect(Math.min(...sizes.slice(1, -1))).toBeLessThanOrEqual(12)
  for (const [at, size] of sizes.slice(1, -1).entries())
    expect(size).toBeLessThanOrEqual(Math.max((sizes[at] ?? 0) + 1, (sizes[at] ?? 0) * 1.2))
  expect(sizes.at(-2)).toBeGreaterThan(25)
  const [row] = await world.sql<{ split_wanted: boolean }>('select split_wanted from :schema.checkpoint')
  expect(row).toEqual({ split_wanted: true })
  expect(world.letters).toEqual([])
}, 60_000)

test('a chunk of more bytes than it may have is made of fewer rows', async () => {
  const world = await oneTask({ rows: 300, limits: { chunkRows: 200, maxChunkBytes: 3_000, maxRowBytes: 3_000 } })
  expect(await world.untilDone()).toBe('finished')
  expect(await world.checkpoint()).toMatchObject({ state: 'completed', totals: { rowsWritten: 300 } })
  expect(Math.max(...(await chunkSizes(world)))).toBeLessThan(100)
  expect(world.logged.some((line) => line.includes('limits.maxChunkBytes is 3000'))).toBe(true)
})

test('a row larger than one may be is a bad row, and says how large', async () => {
  const world = await oneTask({
    ...{ rows: 100, limits: { maxRowBytes: 1_000, maxRejectedRows: 1 } },
    transform: (row) => (row['n'] === 7 ? { ...row, email: 'x'.repeat(2_000) } : row),
  })
  expect(await world.untilDone()).toBe('finished')
  expect(await world.sql('select reason from :schema.rejected_row')).toEqual([
    { reason: expect.stringMatching(/^the row has 20\d\d bytes, limits.maxRowBytes is 1000$/) },
  ])
})

describe('time limits', () => {
  test('a transform that never answers is given up at the chunk’s deadline, made smaller, and in the end a dead letter; what it says later is not wanted', async () => {
    const late = Promise.withResolvers<Record<string, unknown>>()
    const signals = new Set<AbortSignal>()
    const world = await oneTask({
      ...{ rows: 40, retry: { maxAttempts: 2 }, limits: { chunkRows: 8, chunkTimeoutMs: 100 } },
      transform: (row, ctx) => {
        signals.add(ctx.signal)
        return row['n'] === 20 ? late.promise : row
      },
    })
    expect(await world.untilDone()).toBe('finished')
    // 8, 8, then [16, 24) hangs: 4 pass, and then one row after the other has its turn.
    expect(await world.checkpoint()).toMatchObject({
      ...{ state: 'failed', totals: { rowsWritten: 20 } },
      failure: {
        reason: 'ATTEMPTS_EXHAUSTED',
        message: expect.stringContaining('within 100 ms (limits.chunkTimeoutMs)'),
        sample: ['{"id":20,"n":20,"email":"person-20@example.com"}'],
      },
    })
    expect(world.letters).toHaveLength(1)
    // The last hold was ended without work to give up.
    expect([...signals].every(({ aborted }) => aborted)).toBe(true)
    late.resolve({ id: 20, n: 20, email: 'late' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(await world.sql('select count(*)::int as rows from :schema.target')).toEqual([{ rows: 20 }])
  })

  test('a transform that is slow by the row passes with smaller chunks', async () => {
    const world = await oneTask({
      ...{ rows: 64, limits: { chunkRows: 64, chunkTimeoutMs: 400 } },
      transform: async (row) => {
        await wait(12)
        return row
      },
    })
    expect(await world.untilDone()).toBe('finished')
    expect(await world.checkpoint()).toMatchObject({ state: 'completed', totals: { rowsWritten: 64 } })
    expect((await chunkSizes(world)).length).toBeGreaterThan(1)
  })

  test('a source that never answers is given up too', async () => {
    const world = await oneTask({ rows: 10, retry: { maxAttempts: 1 }, limits: { chunkRows: 1, chunkTimeoutMs: 100 } })
    const source: Source = {
      ...world.opened.current.source,
      read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Page>>(() => {}) }) }),
    }
    world.opened.current = { ...world.opened.current, source }
    expect(await world.untilDone()).toBe('finished')
    expect(await world.checkpoint()).toMatchObject({ state: 'failed', failure: { reason: 'ATTEMPTS_EXHAUSTED' } })
  })

  test('a partition has its own limit, over all its tries', async () => {
    const world = await oneTask({
      ...{ rows: 100, limits: { chunkRows: 10, chunkTimeoutMs: 100, partitionTimeoutMs: 350 } },
      transform: (row) => (row['n'] === 25 ? new Promise(() => {}) : row),
    })
    expect(await world.untilDone()).toBe('finished')
    expect(await world.checkpoint()).toMatchObject({
      state: 'failed',
      failure: {
        reason: 'PARTITION_TIMED_OUT',
        message: expect.stringContaining('350 ms (limits.partitionTimeoutMs)'),
      },
    })
    expect(rests(world).length).toBeGreaterThan(1)
  })
})

test('a cursor that does not move after rows is fatal, with rows to look at', async () => {
  const world = await oneTask({ rows: 10 })
  const source: Source = {
    ...world.opened.current.source,
    async *read() {
      yield { rows: [{ id: 1, n: 1, email: 'a' }], cursor: '5', last: false }
      yield { rows: [{ id: 2, n: 2, email: 'b' }], cursor: '5', last: false }
    },
  }
  world.opened.current = { ...world.opened.current, source }
  expect(await world.untilDone()).toBe('finished')
  expect(world.outcomes).toEqual(['finished'])
  expect(world.letters).toMatchObject([
    {
      reason: 'NO_PROGRESS',
      cursor: '5',
      failed: { attempts: 1, sequence: 1, sample: ['{"id":2,"n":2,"email":"b"}'] },
    },
  ])
})

test('what nobody foresaw has its attempts, which progress gives back', async () => {
  const world = await oneTask({ rows: 300, retry: { maxAttempts: 3 } })
  const { sink } = world.opened.current
  let failures = 0
  world.opened.current = {
    ...world.opened.current,
    sink: {
      ...sink,
      commit: async (chunk) => {
        // Twice before each chunk; before the last, for good.
        if (failures < 2 || chunk.before.sequence === 2) {
          failures += 1
          throw new Error('what is this?')
        }
        failures = 0
        return sink.commit(chunk)
      },
    },
  }
  expect(await world.untilDone()).toBe('finished')
  expect(rests(world)).toEqual([100, 200, 100, 200, 100, 200])
  expect(await world.checkpoint()).toMatchObject({
    ...{ state: 'failed', sequence: 2 },
    failure: { reason: 'ATTEMPTS_EXHAUSTED', attempts: 3, message: 'what is this?' },
  })
})

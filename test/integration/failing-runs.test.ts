// Risk: a run that fails takes others with it, goes on failing when it should be parked, or takes the worker down.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { DeadLetterMessage } from '../../src/contract/dead-letter.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { followTopic } from '../../src/kafka/follow-topic.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { readConfig } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { startWithoutWorkers, startWorker, type WorkerProcess } from '../support/worker-process.ts'

/** Backfills of 6 partitions of 500 rows, of one file, into tables of their own, with what is given in each definition. */
async function world(backfills: Record<string, string>): Promise<SmallBackfill> {
  const small = await createSmallBackfill({ rows: 3_000, rowGroupRows: 500, chunkRows: 100 })
  onTestFinished(small.close)
  for (const [id, text] of Object.entries(backfills))
    writeFileSync(
      join(small.folder, `${id}.ts`),
      readFileSync(join(small.folder, 'small.ts'), 'utf8')
        .replace("id: 'small'", `id: '${id}'`)
        .replace(/\.small',/, `.${id}',`)
        .replace('limits: { chunkRows: 100 },', text),
    )
  await startWithoutWorkers(small)
  for (const id of Object.keys(backfills))
    await small.query(`create table ${table(small, id)} (position bigint primary key, amount bigint, name text)`)
  return small
}

const table = (small: SmallBackfill, id: string): string => `${small.env['TIDEMARK_SCHEMA']}_sink.${id}`

async function worker(small: SmallBackfill, slots: number): Promise<WorkerProcess> {
  const started = startWorker(small, 'worker-1', { TIDEMARK_SLOTS: String(slots) })
  await started.claimed(48)
  return started
}

async function command(small: SmallBackfill, code: number, ...args: string[]): Promise<string> {
  const ended = await small.tidemark(...args).ended
  expect(ended.code, `tidemark ${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toBe(code)
  return ended.stdout.trim()
}

const runState = async (small: SmallBackfill, runId: string) =>
  (
    await small.query<{ state: string; control_sequence: string }>(
      `select state, control_sequence from ${small.env['TIDEMARK_SCHEMA']}.run where id = $1`,
      [runId],
    )
  )[0]
const isIn = (small: SmallBackfill, runId: string, state: string, sequence: number) =>
  eventually(
    `the run is ${state} by intent ${sequence}`,
    async () => {
      const run = await runState(small, runId)
      return run?.state === state && Number(run.control_sequence) === sequence ? true : undefined
    },
    30_000,
  )

async function deadLetters(small: SmallBackfill): Promise<DeadLetterMessage[]> {
  const config = readConfig(small.env)
  const read = new AbortController()
  const topic = topicName(config.topicPrefix, 'dead-letters')
  const records = await followTopic(config, createCodec(config), silentLog, topic, 'beginning', read.signal)
  void records.caughtUp.then(() => read.abort())
  const letters: DeadLetterMessage[] = []
  for await (const record of records) letters.push(DeadLetterMessage.parse(await record.json()))
  return letters
}

test('a task that fails for the moment leaves its only slot to others, and comes back', async () => {
  const small = await world({ locked: 'limits: { chunkRows: 100 },' })
  const started = await worker(small, 1)
  const locker = new pg.Client({ connectionString: small.env['DATABASE_URL'] })
  await locker.connect()
  // Not a lock, which is waited for: the server says no at once.
  await locker.query(`
    create function ${table(small, 'refuse')}() returns trigger language plpgsql as
      $$ begin raise exception 'no room' using errcode = '53100'; end $$;
    create trigger refuse before insert on ${table(small, 'locked')} execute function ${table(small, 'refuse')}()`)
  const locked = await command(small, 0, 'submit', 'locked')
  await eventually('the sink is full', async () => started.lines('failed: trying again')[6], 30_000)
  await command(small, 0, 'submit', 'small', '--wait')
  expect((await small.sink()).rows).toBe(3_000)
  expect(await runState(small, locked)).toMatchObject({ state: 'running' })
  await locker.query(`drop trigger refuse on ${table(small, 'locked')}`)
  await locker.end()
  await eventually(
    'the other run is done',
    async () => {
      const [stored] = await small.query<{ count: string }>(`select count(*) from ${table(small, 'locked')}`)
      return stored?.count === '3000' ? true : undefined
    },
    60_000,
  )
  expect(await deadLetters(small)).toEqual([])
}, 150_000)

test('a spent error budget parks the run with its reason, resumed it is parked again, and nothing of it is lost', async () => {
  const small = await world({
    spent: `transform: (row) => { if (row.position % 100 === 7) throw new Error('no such airport'); return row },
            limits: { chunkRows: 100, maxRejectedRows: 8 },`,
  })
  const started = await worker(small, 2)
  const runId = await command(small, 0, 'submit', 'spent')
  await isIn(small, runId, 'paused', 1)
  const intents = await small.query<{ requested_by: string; reason: string }>(
    `select requested_by, reason from ${small.env['TIDEMARK_SCHEMA']}.run_intent where run_id = $1`,
    [runId],
  )
  expect(intents).toEqual([{ requested_by: 'tidemark', reason: expect.stringContaining('limits.maxRejectedRows') }])
  const rows = async (): Promise<number[]> => {
    const [row] = await small.query<{ read: string; rejected: string; failed: string; stored: string }>(
      `select sum(rows_read) as read, sum(rows_rejected) as rejected, count(*) filter (where state = 'failed') as failed,
              (select count(*) from ${table(small, 'spent')}) as stored
         from ${small.env['TIDEMARK_SCHEMA']}.checkpoint where run_id = $1`,
      [runId],
    )
    return [row?.read, row?.rejected, row?.failed, row?.stored].map(Number)
  }
  const [read, rejected, failed, stored] = await rows()
  // At most one chunk of the other slot was on its way.
  expect(rejected).toBeGreaterThanOrEqual(8)
  expect(rejected).toBeLessThanOrEqual(9)
  expect([failed, stored]).toEqual([0, (read ?? 0) - (rejected ?? 0)])
  await command(small, 0, 'resume', runId)
  await isIn(small, runId, 'paused', 3)
  expect(await rows()).toEqual([read, rejected, failed, stored])
  await command(small, 0, 'cancel', runId, '--yes')
  await eventually(
    'the run is cancelled',
    async () => ((await runState(small, runId))?.state === 'cancelled' ? true : undefined),
    30_000,
  )
  expect(started.process.pid).toBeDefined()
  expect(await deadLetters(small)).toEqual([])
}, 150_000)

test('failed partitions become one dead letter each, and the run goes on; a promise that a transform leaks is named', async () => {
  const small = await world({
    broken: `transform: (row) => {
              if (row.position === 750) throw new Error('who is ' + row.name + '?')
              void Promise.reject(new Error('nobody waits for this'))
              return row
            },
            redact: ['name'],
            limits: { chunkRows: 100 },`,
  })
  const started = await worker(small, 2)
  await command(small, 3, 'submit', 'broken', '--wait')
  const [stored] = await small.query<{ count: string }>(`select count(*) from ${table(small, 'broken')}`)
  expect(stored?.count).toBe('2700')
  const letters = await deadLetters(small)
  expect(letters).toMatchObject([
    {
      ...{ what: 'partition', reason: 'ROW_INVALID', cursor: '699' },
      message: expect.stringContaining('who is [redacted]?'),
      failed: { backfill: 'broken', index: 1, attempts: 1, sample: [expect.stringContaining('"name":"[redacted]"')] },
    },
  ])
  const leaks = started.lines(
    'the transform of backfill "broken" began a promise that it does not wait for, and it failed: await it, or catch its error',
  )
  expect(leaks[0]).toMatchObject({ backfill: 'broken', error: 'nobody waits for this', level: 'error' })
  // Not a line a row.
  expect(leaks.length).toBeLessThan(10)
  expect((await started.stop()).code).toBe(0)
}, 150_000)

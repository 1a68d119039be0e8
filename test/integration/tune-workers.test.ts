// Risk: workers do not obey what a live run is tuned to, read faster together than they may, forget it when they are
// started again, or a throttled run cannot be paused, or never ends.
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { startWithoutWorkers, startWorker, type WorkerProcess } from '../support/worker-process.ts'

async function command(small: SmallBackfill, code: number, ...args: string[]): Promise<string> {
  const ended = await small.tidemark(...args).ended
  expect(ended.code, `tidemark ${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toBe(code)
  return ended.stdout.trim()
}

interface Chunks {
  readonly rows: number
  readonly largest: number
  /** When the first of them was committed, and when this was looked up, by the database. */
  readonly first: number
  readonly at: number
}
const chunksOf = async (small: SmallBackfill, runId: string, after = 0): Promise<Chunks> => {
  const [row] = await small.query<Chunks>(
    `select coalesce(sum(c.rows_read), 0)::int as rows, coalesce(max(c.rows_read), 0)::int as largest,
            extract(epoch from coalesce(min(c.committed_at), clock_timestamp()))::float * 1000 as first,
            extract(epoch from clock_timestamp())::float * 1000 as at
       from ${small.env['TIDEMARK_SCHEMA']}.chunk c join ${small.env['TIDEMARK_SCHEMA']}.checkpoint using (partition_id)
      where run_id = $1 and c.committed_at > to_timestamp($2::float / 1000)`,
    [runId, after],
  )
  return row ?? { rows: 0, largest: 0, first: 0, at: 0 }
}

const rate = 600
/** Workers that have lanes and nothing done; together they have the run's rate from now on. */
async function workers(small: SmallBackfill): Promise<WorkerProcess[]> {
  const both = ['worker-1', 'worker-2'].map((id) => startWorker(small, id, { TIDEMARK_SLOTS: '2' }))
  await Promise.all(both.map((worker) => worker.claimed(1)))
  return both
}

test('two workers together read as fast as was tuned, in chunks as tuned, also when they are started again; then as the definition says', async () => {
  const small = await createSmallBackfill({ rows: 60_000, rowGroupRows: 5_000, chunkRows: 2_000 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const runId = await command(small, 0, 'submit', 'small')
  const tune = ['tune', runId, '--chunk-rows', '100', '--rows-per-second', String(rate), '--request-key', 'slowly']
  expect(await command(small, 0, ...tune)).toBe(`tune of run ${runId} accepted`)
  expect(await command(small, 0, ...tune)).toBe(`tune of run ${runId} duplicate`)

  /**
   * From the first chunk of these workers on, what was read is never more than the rate gave, a second of it that was
   * kept, a chunk a worker beyond it, and what each slot had in hand before.
   */
  const kept = rate + 2 * 100 + 4 * 100
  const obey = async (since: number): Promise<void> => {
    await eventually(
      'many rows were read slowly',
      async () => {
        const done = await chunksOf(small, runId, since)
        expect(done.largest).toBeLessThanOrEqual(100)
        expect(done.rows).toBeLessThanOrEqual((rate * (done.at - done.first)) / 1_000 + kept)
        // At twice the rate this many would have been too many long before.
        return done.rows >= 4 * kept || undefined
      },
      60_000,
    )
  }
  let since = (await chunksOf(small, runId)).at
  const first = await workers(small)
  await obey(since)
  for (const worker of first) worker.signal('SIGKILL')
  await Promise.all(first.map(({ exited }) => exited))
  since = (await chunksOf(small, runId)).at
  const second = await workers(small)
  await obey(since)
  expect(second.map((worker) => worker.lines('intent obeyed').length)).toEqual([1, 1])

  // Tasks that wait for their turn stop at once.
  const paused = JSON.parse(await command(small, 0, 'pause', runId, '--wait', '--json')) as Record<string, unknown>
  expect(paused).toMatchObject({ state: 'paused', acknowledged: { by: 2, of: 2 } })
  const status = await command(small, 0, 'status', runId)
  expect(status).toMatch(/intent +paused since .*, chunkRows 100, rowsPerSecond 600, acknowledged by 2 of 2 workers/)
  await command(small, 0, 'resume', runId)

  expect(await command(small, 8, 'archive', runId)).toBe('')
  const loose = [
    'tune',
    runId,
    '--chunk-rows',
    'none',
    '--rows-per-second',
    'none',
    '--priority',
    '-5',
    '--wait',
    '--json',
  ]
  expect(JSON.parse(await command(small, 0, ...loose))).toMatchObject({
    ...{ runId, answer: 'accepted', acknowledged: { by: 2, of: 2, missing: [] } },
  })
  await command(small, 0, 'watch', runId)
  expect((await chunksOf(small, runId)).largest).toBe(2_000)
  expect(await small.sink()).toEqual({ rows: 60_000, distinct: 60_000, wrong: 0 })

  expect(await command(small, 8, 'tune', runId, '--weight', '2')).toBe('')
  expect(await command(small, 2, 'tune', runId)).toBe('')
  expect(await command(small, 2, 'tune', runId, '--chunk-rows', '0')).toBe('')
  expect(await command(small, 0, 'archive', runId, '--reason', 'checked')).toBe(`archive of run ${runId} accepted`)
  expect(await command(small, 0, 'status')).not.toContain(runId)
  expect(await command(small, 0, 'status', '--all')).toMatch(new RegExp(`${runId} .*completed, archived`))
  expect(await command(small, 0, 'status', runId)).toMatch(/share +priority -5, weight 1[^]*archived +20/)
  const packed = `select from ${small.env['TIDEMARK_SCHEMA']}.ledger_archive where run_id = $1 and done = wanted`
  await eventually('its history is packed', async () => (await small.query(packed, [runId])).length === 1 || undefined)
  expect(await command(small, 0, 'explain', `${runId}/0`)).toMatch(/chunk 1: [^]*its run was archived/)
}, 240_000)

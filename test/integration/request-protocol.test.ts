// Risk: the topics are not the API: a program that has a Kafka client and nothing of this package cannot ask for
// everything, or cannot find the answer. What is asked and answered here is what docs/requests.md shows.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { connectPlainClient, type PlainClient, type PlainMessage } from '../support/plain-client.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import type { TidemarkProcess } from '../support/tidemark-process.ts'

let small: SmallBackfill
let client: PlainClient
let worker: TidemarkProcess

/** Everything but workers: what is asked of a live run here finds it live. */
beforeAll(async () => {
  small = await createSmallBackfill({ rows: 4_000, rowGroupRows: 500, chunkRows: 200 })
  const up = small.tidemark('up', '--definitions', '.', '--workers', '0', '--json')
  await eventually('the system is up', async () => up.stdout().endsWith('}\n') || undefined, 60_000)
  await small.query(readFileSync(join(small.folder, 'small.prepare.sql'), 'utf8'))
  client = await connectPlainClient(small)
}, 120_000)
afterAll(async () => {
  await client.close()
  await small.close()
})

const start = { version: 1, type: 'start', requestKey: 'small/1', backfill: 'small', params: { note: 'the first' } }
let runId = ''
/** Of it, one that is cancelled. */
let partitionId: unknown

test('start: accepted with the run, which is planned; the same again is its duplicate, another body is refused', async () => {
  const accepted = await client.ask(start)
  expect(accepted).toMatchObject({ version: 1, type: 'request.accepted', requestKey: 'small/1' })
  runId = String(accepted['runId'])
  expect(await client.event({ type: 'run.planned', runId })).toMatchObject({
    ...{ requestKey: 'small/1', backfill: 'small', partitions: 8 },
    ...{ estimatedRows: 4_000, range: { kind: 'integer', from: '0', to: '4000' } },
  })
  // Whoever asks, and in whatever order the fields come.
  const again = Object.fromEntries(Object.entries({ ...start, requestedBy: 'ana@example.com' }).reverse())
  expect(await client.ask(again)).toMatchObject({ type: 'request.duplicate', requestKey: 'small/1', runId })
  expect(await client.ask({ ...start, params: { note: 'another' } })).toMatchObject({
    type: 'request.rejected',
    reasons: [
      `request key "small/1" belongs to run ${runId}, which was asked for with another backfill or other params: use another request key`,
    ],
  })
})

test('dryRun: what the request would do is told, and nothing is done', async () => {
  expect(await client.ask({ ...start, requestKey: 'small/dry', dryRun: true })).toMatchObject({
    ...{ type: 'request.reported', requestKey: 'small/dry' },
    report: {
      ...{ backfill: 'small', partitions: 8, range: { kind: 'integer', from: '0', to: '4000' } },
      conflicts: [expect.stringContaining(`run ${runId} of backfill "small" is running on the same target`)],
    },
  })
})

test('what is wrong with a request is said, all of it at once', async () => {
  const rejected = async (request: PlainMessage): Promise<unknown> => {
    const answer = await client.ask(request)
    expect(answer['type']).toBe('request.rejected')
    return answer['reasons']
  }
  expect(await rejected({ ...start, requestKey: 'small/2', paramz: {}, priority: 500 })).toEqual([
    'priority: Too big: expected number to be <=100, got 500',
    'unknown field "paramz"',
  ])
  expect(await rejected({ ...start, requestKey: 'small/3', backfill: 'smal' })).toEqual([
    'no backfill has the id "smal"; there are small. Did you mean "small"?',
  ])
  expect(await rejected({ ...start, requestKey: 'small/4', params: { notes: 'the first' } })).toEqual([
    expect.stringContaining('unknown'),
  ])
  const unknown = '019aa000-0000-7000-8000-000000000001'
  expect(await rejected({ version: 1, type: 'pause', requestKey: 'pause/0', runId: unknown })).toEqual([
    `pause of run ${unknown}: no such run is known`,
  ])
  expect(await rejected({ version: 1, type: 'archive', requestKey: 'archive/0', runId })).toEqual([
    `archive of run ${runId}: it is running; only a run that has ended can be archived`,
  ])
})

const accepts = async (request: PlainMessage): Promise<PlainMessage> => {
  const answer = await client.ask(request)
  expect(answer).toMatchObject({ type: 'request.accepted' })
  return answer
}

test('tune, pause, cancel of a partition, resume: accepted, told, and acknowledged by the worker', async () => {
  const of = { version: 1, runId, requestedBy: 'ana@example.com' }
  await accepts({
    ...of,
    type: 'tune',
    requestKey: 'tune/1',
    chunkRows: 50,
    priority: 3,
    reason: 'the database is busy',
  })
  expect(await client.event({ type: 'run.tuned', requestKey: 'tune/1' })).toMatchObject({
    ...{ runId, sequence: 1, requestedBy: 'ana@example.com', reason: 'the database is busy' },
    changes: { chunkRows: { from: null, to: 50 }, priority: { from: 0, to: 3 } },
  })
  expect(await client.ask({ ...of, type: 'tune', requestKey: 'tune/2', chunkRows: 50 })).toMatchObject({
    type: 'request.rejected',
    reasons: [`tune of run ${runId}: nothing would change, for chunkRows is 50 already`],
  })
  await accepts({ ...of, type: 'pause', requestKey: 'pause/1', reason: 'over lunch' })
  expect(await client.event({ type: 'run.paused', requestKey: 'pause/1' })).toMatchObject({
    ...{ runId, sequence: 2, reason: 'over lunch' },
  })
  worker = small.tidemark('worker', '--worker-id', 'worker-1', '--definitions', '.')
  expect(await client.event({ type: 'intent.acknowledged', runId })).toMatchObject({
    ...{ sequence: 2, intent: 'paused', worker: 'worker-1', atStart: true },
  })

  partitionId = client.tasks.find((task) => task['index'] === 5)?.['partitionId']
  await accepts({ ...of, type: 'cancel', requestKey: 'cancel/1', partitionId })
  expect(await client.event({ type: 'partition.cancelling', requestKey: 'cancel/1' })).toMatchObject({
    ...{ runId, partitionId, index: 5, sequence: 3 },
  })
  await accepts({ ...of, type: 'resume', requestKey: 'resume/1' })
  expect(await client.event({ type: 'run.resumed', requestKey: 'resume/1' })).toMatchObject({ runId, sequence: 4 })
  expect(await client.event({ type: 'run.completed', runId })).toMatchObject({
    ...{ partitions: 8, partitionsFailed: 0, partitionsCancelled: 1 },
    totals: { rowsRead: 3_500, rowsWritten: 3_500 },
  })
  expect(await client.event({ type: 'intent.acknowledged', sequence: 4 })).toMatchObject({ atStart: false })
  // The restarted worker had read what was tuned before it began.
  const chunks = await small.query<{ rows: string }>(
    `select distinct chunk.rows_read as rows from ${small.env['TIDEMARK_SCHEMA']}.chunk join ${small.env['TIDEMARK_SCHEMA']}.checkpoint using (partition_id) where run_id = $1`,
    [runId],
  )
  expect(chunks).toEqual([{ rows: '50' }])

  const retry = { ...of, type: 'retry', requestKey: 'retry/1', partitionIds: [partitionId] }
  const again = (await accepts(retry))['runId']
  expect(again).not.toBe(runId)
  expect(await client.event({ type: 'run.planned', runId: again })).toMatchObject({
    ...{ requestKey: 'retry/1', partitions: 1 },
  })
  expect(await client.event({ type: 'run.completed', runId: again })).toMatchObject({ totals: { rowsWritten: 500 } })
  expect(await client.ask(retry)).toMatchObject({ type: 'request.duplicate', runId: again })
  expect(await small.sink()).toEqual({ rows: 4_000, distinct: 4_000, wrong: 0 })
}, 120_000)

test('retry of ranges: cut anew, written over what is there; what is missing then: nothing', async () => {
  const ranges = [{ from: '400', to: '1600' }]
  const { runId: again } = await accepts({ version: 1, type: 'retry', requestKey: 'retry/ranges', runId, ranges })
  expect(await client.event({ type: 'run.completed', runId: again })).toMatchObject({
    ...{ partitions: 4, partitionsFailed: 0 },
    totals: { rowsRead: 1_200, rowsWritten: 1_200 },
  })
  expect(await small.sink()).toEqual({ rows: 4_000, distinct: 4_000, wrong: 0 })
  expect(await client.ask({ ...start, requestKey: 'small/missing', reprocess: 'missing' })).toMatchObject({
    type: 'request.rejected',
    reasons: [
      expect.stringMatching(/^reprocess "missing": nothing of 0 to 4000 is missing: run .* and 2 more have it$/),
    ],
  })
}, 120_000)

test('archive: of a run that has ended, once; its key stays taken', async () => {
  const archive = { version: 1, type: 'archive', requestKey: 'archive/1', runId, reason: 'the numbers were checked' }
  await accepts(archive)
  expect(await client.event({ type: 'run.archived', runId })).toMatchObject({
    ...{ requestKey: 'archive/1', requestedBy: null, reason: 'the numbers were checked' },
  })
  expect(await client.ask(archive)).toMatchObject({ type: 'request.duplicate', runId })
  expect(await client.ask({ ...archive, requestKey: 'archive/2' })).toMatchObject({
    type: 'request.rejected',
    reasons: [expect.stringMatching(`^archive of run ${runId}: it is archived already, since `)],
  })
  expect(await client.ask(start)).toMatchObject({ type: 'request.duplicate', runId })
  const retry = { version: 1, type: 'retry', requestKey: 'retry/2', runId, partitionIds: [partitionId] }
  const again = (await accepts(retry))['runId']
  expect(await client.event({ type: 'run.completed', runId: again })).toMatchObject({ totals: { rowsWritten: 500 } })
  expect(await client.ask({ version: 1, type: 'tune', requestKey: 'tune/3', runId, weight: 2 })).toMatchObject({
    type: 'request.rejected',
    reasons: [`tune of run ${runId}: it is completed, nothing is done for it any more`],
  })
})

test('cancel: of a run that waits in the queue, and of a live one; told again when nothing of it is live any more', async () => {
  // From here on nothing is worked on: what is live stays so.
  worker.child.kill('SIGTERM')
  await worker.ended
  const live = (await accepts({ ...start, requestKey: 'small/5', priority: -1, weight: 2 }))['runId']
  const queued = (await accepts({ ...start, requestKey: 'small/6' }))['runId']
  expect(await client.event({ type: 'run.queued' })).toMatchObject({ runId: queued, position: 1, waitsFor: 'target' })
  for (const [requestKey, of] of [
    ['cancel/2', queued],
    ['cancel/3', live],
  ]) {
    await accepts({ version: 1, type: 'cancel', requestKey, runId: of })
    expect(await client.event({ type: 'run.cancelling', requestKey })).toMatchObject({ runId: of, sequence: 1 })
    const ended = await client.event({ type: 'run.cancelled', runId: of })
    expect(ended).toMatchObject({ state: 'cancelled', partitions: 8, partitionsCancelled: 8 })
  }
  // Each request that was accepted was so once.
  const accepted = client.events.filter((event) => event['type'] === 'request.accepted')
  expect(new Set(accepted.map((event) => event['requestKey'])).size).toBe(accepted.length)
}, 120_000)

// Risk: a table that somebody feeds from the status topic, as examples/subscriber does, misses an event or counts one twice
// when its program is killed.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { connectPlainClient } from '../support/plain-client.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import type { TidemarkProcess } from '../support/tidemark-process.ts'

const root = join(import.meta.dirname, '..', '..')
const program = join(root, 'examples', 'subscriber', 'run-progress.ts')
const ownName = join(root, 'test', 'support', 'own-name-program.ts')

let small: SmallBackfill
let run: TidemarkProcess

beforeAll(async () => {
  small = await createSmallBackfill({ rows: 40_000, rowGroupRows: 2_000, chunkRows: 100, pauseMs: 500 })
  await small.query(`create schema ${schema()}`)
})
afterAll(async () => {
  run.child.kill('SIGKILL')
  await run.ended
  await small.query(`drop schema if exists ${schema()} cascade`)
  await small.close()
})

const schema = (): string => `${small.env.TIDEMARK_SCHEMA}_mine`

interface Subscriber {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  stderr(): string
}

function startSubscriber(): Subscriber {
  const url = new URL(small.env.DATABASE_URL ?? '')
  url.searchParams.set('options', `-c search_path=${schema()}`)
  const env = { ...small.env, DATABASE_URL: url.href }
  const child = spawn(process.execPath, ['--import', ownName, program, 'small'], { env, stdio: ['ignore', 2, 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()))
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)), stderr: () => stderr }
}

interface Progress {
  readonly state: string
  readonly partitions: number | null
  readonly partitions_ended: number
  readonly rows_written: number
  readonly events: number
}

async function progress(): Promise<Progress | undefined> {
  const [found] = await small.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [
    `${schema()}.run_progress`,
  ])
  if (found?.exists !== true) return undefined
  const [row] = await small.query<Progress & Record<string, unknown>>(
    `select state, partitions::int, partitions_ended::int, rows_written::int, events::int from ${schema()}.run_progress`,
  )
  return row
}

test('a table fed from the status topic is exact, though its program is killed again and again', async () => {
  run = small.tidemark('run', 'small', '--definitions', '.', '--workers', '2', '--kill-every', '2s', '--json')
  const client = await eventually(
    'the topics are there',
    () => connectPlainClient(small).catch(() => undefined),
    60_000,
  )
  onTestFinished(client.close)

  /** What it had counted when it was killed. */
  const counted: number[] = []
  while (counted.length < 4 && run.child.exitCode === null) {
    const subscriber = startSubscriber()
    await eventually(
      'the subscriber gets on, or the run has ended',
      async () => {
        if (subscriber.child.exitCode !== null) throw new Error(subscriber.stderr())
        const events = (await progress())?.events ?? 0
        return events > (counted.at(-1) ?? 0) || run.child.exitCode !== null ? true : undefined
      },
      60_000,
    )
    subscriber.child.kill('SIGKILL')
    await subscriber.ended
    counted.push((await progress())?.events ?? 0)
  }
  const { code, stderr } = await run.ended
  expect(code, stderr).toBe(0)
  expect(await small.sink()).toEqual({ rows: 40_000, distinct: 40_000, wrong: 0 })

  const last = startSubscriber()
  await eventually('the end of the run is told', async () =>
    (await progress())?.state === 'completed' ? true : undefined,
  )
  // By a Kafka client of another kind, which shares nothing with ours: what the topic has of the run.
  const told = client.events.filter(({ backfill }) => backfill === 'small')
  const ofPartition = told.filter(({ type }) => type === 'partition.completed')
  expect(new Set(ofPartition.map(({ partitionId }) => partitionId)).size).toBe(20)
  const done = await eventually('every event is counted', async () => {
    const found = await progress()
    return (found?.events ?? 0) >= told.length ? found : undefined
  })
  expect(done).toEqual({ ...done, state: 'completed', partitions: 20, partitions_ended: 20, rows_written: 40_000 })
  expect(counted.filter((events) => events > 0 && events < done.events).length).toBeGreaterThan(1)
  expect(done.events).toBe(client.events.filter(({ backfill }) => backfill === 'small').length)

  last.child.kill('SIGTERM')
  expect(await last.ended, last.stderr()).toBe(0)
}, 180_000)

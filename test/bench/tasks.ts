// What a task costs that has nothing to do: partitions without rows, through broker, claim, checkpoint row, events and
// offsets, by one worker; and graphile-worker as it comes, with jobs that do nothing, in turn on the same Postgres.
// What costs is what passes between processes, so what counts is how many tasks share a statement, a send, a fetch: the
// more of them are under way, the more do. On 2 busy cores, with broker, Postgres, ledger and supervisor on them too, a
// task took 2.9 ms of all their CPU with a statement, a send and a fetch of its own, and takes 0.8 ms with shared ones.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { eventually } from '../support/eventually.ts'
import { type BenchResult, median } from './result.ts'
import { root, startBenchServers } from './servers.ts'

const entry = join(root, 'src', 'cli', 'main.ts')
const graphile = join(root, 'node_modules', 'graphile-worker', 'dist', 'cli.js')
/** How many; fewer tell the same while something is being tried. */
const tasks = Number(process.env['BENCH_TASKS'] ?? 100_000)
const limitMs = 900_000
/** Counting so many rows is work for the server, which those who are measured have to wait for. */
const lookEveryMs = 500

interface Measured {
  readonly seconds: number
  /** CPU time of the process that worked; null where the system does not tell. */
  readonly cpuSeconds: number | null
}

export async function benchTasks(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  // Inside the checkout: the definition finds its packages.
  await mkdir(join(root, '.tidemark'), { recursive: true })
  const scratch = await mkdtemp(join(root, '.tidemark', 'bench-tasks-'))
  const db = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 })
  try {
    const [ours, theirs]: [Measured[], Measured[]] = [[], []]
    for (let round = 0; round < rounds; round += 1) {
      const prefix = `bench${round}`
      const env = {
        ...servers.env(prefix),
        TIDEMARK_DEFINITIONS: scratch,
        TIDEMARK_OPEN_TASKS: String(tasks),
        LOG_LEVEL: 'warn',
      }
      await writeFile(join(scratch, 'noop.ts'), definition)
      ours.push(await measureTidemark(env, prefix, db))
      theirs.push(await measureGraphile(servers.databaseUrl, scratch, db))
      console.error(`round ${round + 1} of ${rounds}: ${text(ours.at(-1))}; graphile-worker ${text(theirs.at(-1))}`)
    }
    return results(ours, theirs)
  } finally {
    await db.end()
    await rm(scratch, { recursive: true, force: true })
    await servers.stop()
  }
}

const rateOf = ({ seconds }: Measured): number => tasks / seconds
const cpuOf = ({ cpuSeconds }: Measured): number => ((cpuSeconds ?? Number.NaN) * 1_000) / tasks
const text = (measured: Measured | undefined): string =>
  measured === undefined ? '' : `${Math.round(rateOf(measured))} tasks/s, ${cpuOf(measured).toFixed(3)} ms CPU a task`

function results(ours: readonly Measured[], theirs: readonly Measured[]): readonly BenchResult[] {
  const ratios = ours.map((measured, at) => rateOf(measured) / rateOf(theirs[at] ?? measured))
  return [
    {
      name: 'tidemark: no-op tasks a second, one worker',
      value: median(ours.map(rateOf)),
      unit: 'tasks/s',
      ratioTo: null,
    },
    { name: 'tidemark: CPU a task, worker', value: median(ours.map(cpuOf)), unit: 'ms', ratioTo: null },
    { name: 'graphile-worker: no-op jobs a second', value: median(theirs.map(rateOf)), unit: 'tasks/s', ratioTo: null },
    { name: 'graphile-worker: CPU a job', value: median(theirs.map(cpuOf)), unit: 'ms', ratioTo: null },
    {
      name: 'tidemark to graphile-worker, median',
      value: median(ratios),
      unit: 'ratio',
      ratioTo: 'graphile-worker default',
    },
  ]
}

/** Everything is planned and on the topic before the worker starts; it is measured from its first claim. */
async function measureTidemark(env: NodeJS.ProcessEnv, schema: string, db: pg.Pool): Promise<Measured> {
  await db.query('create table if not exists noop_source (id bigint primary key, value text not null)')
  await db.query('create table if not exists noop_sink (id bigint primary key, value text not null)')
  const run = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 2, 2] })
  await ended(run('topics', 'apply'))
  const processes = [run('planner'), run('ledger'), run('supervisor')]
  try {
    await ended(run('submit', 'noop', '--param', 'from=0', '--param', `to=${tasks}`, '--timeout', '5m'))
    await eventually('the plan', () => one(db, `select 1 from ${schema}.run where published = partitions`), limitMs)
    const worker = run('worker', '--worker-id', 'worker-1', '--slots', '256')
    processes.push(worker)
    const began = await eventually(
      'the first claim',
      () => one(db, `select clock_timestamp() as at from ${schema}.checkpoint limit 1`),
      limitMs,
    )
    const finished = await eventually(
      'the last task',
      () =>
        one(
          db,
          `select max(updated_at) as at from ${schema}.checkpoint where state = 'completed' having count(*) = ${tasks}`,
        ),
      limitMs,
      lookEveryMs,
    )
    const cpuSeconds = cpuSecondsOf(worker)
    return { seconds: (finished.at.getTime() - began.at.getTime()) / 1_000, cpuSeconds }
  } finally {
    for (const process of processes) process.kill('SIGTERM')
    await Promise.all(processes.map(ended))
  }
}

async function measureGraphile(url: string, scratch: string, db: pg.Pool): Promise<Measured> {
  const folder = join(scratch, 'tasks')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'noop.mjs'), 'export default async () => {}\n')
  const options = {
    cwd: scratch,
    env: { ...process.env, DATABASE_URL: url, NO_LOG_SUCCESS: '1' },
    stdio: ['ignore', 2, 2] as const,
  }
  await db.query('drop schema if exists graphile_worker cascade')
  await ended(spawn(process.execPath, [graphile, '--schema-only'], { ...options, stdio: [...options.stdio] }))
  await db.query(
    `select graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec,
       json_build_object('identifier', 'noop', 'payload', json_build_object('n', n))) from generate_series(1, $1) n))`,
    [tasks],
  )
  const left = (count: string): string =>
    `select clock_timestamp() as at from graphile_worker._private_jobs having count(*) ${count}`
  const worker = spawn(process.execPath, [graphile], { ...options, stdio: [...options.stdio] })
  try {
    const began = await eventually('the first job', () => one(db, left(`< ${tasks}`)), limitMs)
    const finished = await eventually('the last job', () => one(db, left('= 0')), limitMs, lookEveryMs)
    const cpuSeconds = cpuSecondsOf(worker)
    return { seconds: (finished.at.getTime() - began.at.getTime()) / 1_000, cpuSeconds }
  } finally {
    worker.kill('SIGTERM')
    await ended(worker)
  }
}

async function one(db: pg.Pool, sql: string): Promise<{ readonly at: Date } | undefined> {
  // Tables come with the roles that start beside this.
  const found = await db.query<{ at: Date }>(sql).catch(() => undefined)
  return found?.rows[0]
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (code: number | null): void =>
      code === 0 || code === null ? resolve() : reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`))
    if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode)
    else child.once('exit', done)
  })
}

const clockTicksPerSecond = 100

/** User and system time of a process so far, from Linux's process table. */
function cpuSecondsOf({ pid }: ChildProcess): number | null {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return null
  const [, , , , , , , , , , , user, system] = readFileSync(file, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(user) + Number(system)) / clockTicksPerSecond
}

const definition = `
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { postgres } from 'tidemark/postgres'

const Row = z.object({ id: z.bigint(), value: z.string() })

export default defineBackfill({
  id: 'noop',
  params: z.object({ from: z.coerce.number(), to: z.coerce.number() }),
  source: postgres.table('public.noop_source', { schema: Row, key: 'id' }),
  partitionBy: partition.byKey('id', { size: 1, bounds: { from: 'from', to: 'to' } }),
  sink: postgres.insert('public.noop_sink', { schema: Row, range: 'id' }),
})
`

// What `tidemark plan` foretells against the run that follows: its rows against those that are there, and its interval
// against the time from the end of planning to the last commit; of the main job, and of a table of five million rows.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { PlanReport } from '../../src/contract/plan-report.ts'
import { logged } from '../support/roles.ts'
import { startTidemark } from '../support/tidemark-process.ts'
import { mainJob } from './flights.ts'
import { type BenchResult, median } from './result.ts'
import { root, startBenchServers } from './servers.ts'

const rows = Number(process.env['BENCH_FORECAST_ROWS'] ?? 5_000_000)
const workers = 2

interface Foretold {
  readonly report: PlanReport
  readonly rows: number
  readonly seconds: number
}

export async function benchForecast(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  // Inside the checkout: the definition finds its packages.
  await mkdir(join(root, '.tidemark'), { recursive: true })
  const scratch = await mkdtemp(join(root, '.tidemark', 'bench-forecast-'))
  const env = { ...servers.env('forecast'), TIDEMARK_DEFINITIONS: scratch, LOG_LEVEL: 'info' }
  const db = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 })
  const processes: ReturnType<typeof startTidemark>[] = []
  const command = async (own: NodeJS.ProcessEnv, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await startTidemark(args, root, own).ended
    if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  const plan = async (own: NodeJS.ProcessEnv, ...args: string[]): Promise<PlanReport> =>
    PlanReport.parse(JSON.parse(await command(own, 'plan', ...args, '--workers', String(workers), '--json')))
  const told: Record<'flights' | 'table', Foretold[]> = { flights: [], table: [] }
  const tell = (what: 'flights' | 'table', foretold: Foretold): void => {
    told[what].push(foretold)
    const { p10Ms = 0, p50Ms = 0, p90Ms = 0 } = foretold.report.forecast ?? {}
    console.error(
      `${what}: ${foretold.report.rows?.total} rows foretold, ${foretold.rows} there; ${[p10Ms, p50Ms, p90Ms].map((ms) => (ms / 1_000).toFixed(1)).join(' / ')} s foretold, ${foretold.seconds.toFixed(1)} s taken`,
    )
  }
  try {
    // Makes its table, and fetches what it reads.
    await mainJob(servers.env('flights'))
    for (let round = 0; round < rounds; round += 1) {
      const flights = { ...servers.env('flights'), TIDEMARK_DEFINITIONS: join(root, 'examples', 'flights') }
      const report = await plan(flights, 'flights')
      const { rowsWritten, ratePerSecond } = await mainJob(servers.env('flights'))
      tell('flights', { report, rows: rowsWritten, seconds: rowsWritten / ratePerSecond })
    }
    await writeFile(join(scratch, 'orders.ts'), definition)
    await db.query(table)
    await db.query('vacuum analyze orders')
    await command(env, 'topics', 'apply')
    for (const role of ['planner', 'ledger', 'supervisor']) processes.push(startTidemark([role], root, env))
    for (let n = 1; n <= workers; n += 1)
      processes.push(startTidemark(['worker', '--worker-id', `worker-${n}`], root, env))
    await Promise.all(processes.map((process) => logged(process, 'ready')))
    for (let round = 0; round < rounds; round += 1) {
      await db.query('truncate orders_copy; checkpoint')
      const report = await plan(env, 'orders')
      await command(env, 'submit', 'orders', '--request-key', `orders/${round}`, '--wait')
      const { rows: found } = await db.query<{ seconds: number; written: string }>(
        `select extract(epoch from max(committed_at) - r.planned_at)::float8 as seconds,
                (select count(*) from orders_copy) as written
           from forecast.run r join forecast.checkpoint c on c.run_id = r.id join forecast.chunk using (partition_id)
          where r.request_key = $1 group by r.planned_at`,
        [`orders/${round}`],
      )
      tell('table', { report, rows: Number(found[0]?.written), seconds: found[0]?.seconds ?? Number.NaN })
    }
    return (['flights', 'table'] as const).flatMap((what) => figures(what, told[what]))
  } finally {
    for (const { child } of processes) child.kill('SIGTERM')
    await Promise.all(processes.map(({ ended }) => ended))
    await db.end()
    await rm(scratch, { recursive: true, force: true })
    await servers.stop()
  }
}

function figures(what: string, foretold: readonly Foretold[]): readonly BenchResult[] {
  const seconds = (of: (one: Foretold) => number): number => median(foretold.map(of))
  const inside = foretold.filter(
    ({ report: { forecast }, seconds: took }) =>
      forecast !== null && took * 1_000 >= forecast.p10Ms && took * 1_000 <= forecast.p90Ms,
  )
  return [
    {
      name: `${what}: rows foretold`,
      value: median(foretold.map(({ report, rows: there }) => (report.rows?.total ?? 0) / there)),
      unit: 'ratio',
      ratioTo: 'rows that are there',
    },
    {
      name: `${what}: p10`,
      value: seconds(({ report }) => (report.forecast?.p10Ms ?? 0) / 1_000),
      unit: 's',
      ratioTo: null,
    },
    {
      name: `${what}: p90`,
      value: seconds(({ report }) => (report.forecast?.p90Ms ?? 0) / 1_000),
      unit: 's',
      ratioTo: null,
    },
    { name: `${what}: taken`, value: seconds((one) => one.seconds), unit: 's', ratioTo: null },
    {
      name: `${what}: runs inside of the interval`,
      value: inside.length / foretold.length,
      unit: 'ratio',
      ratioTo: 'all runs',
    },
  ]
}

const table = `
  create table orders (id int8 primary key, created_at timestamptz not null, amount numeric(12,2) not null, status text not null);
  insert into orders
  select i, timestamptz '2020-01-01Z' + i * interval '20 seconds', (i % 100000)::numeric / 7, (array['open', 'paid', 'void'])[1 + i % 3]
    from generate_series(1, ${rows}) as i;
  create table orders_copy (like orders including all);`

const definition = `
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { postgres } from 'tidemark/postgres'

const Order = z.object({ id: z.bigint(), created_at: z.date(), amount: z.string(), status: z.string() })

export default defineBackfill({
  id: 'orders',
  source: postgres.table('public.orders', { schema: Order, key: 'id' }),
  partitionBy: partition.auto({ rows: 100_000 }),
  sink: postgres.insert('public.orders_copy', { schema: Order, range: 'id' }),
})
`

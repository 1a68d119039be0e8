// What a plan is worth when rows lie unevenly: a table whose rows of late are many, each way of cutting it in turn, two
// workers with one slot each; from the plan's end to the last commit.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { logged } from '../support/roles.ts'
import { startTidemark } from '../support/tidemark-process.ts'
import { type BenchResult, median } from './result.ts'
import { root, startBenchServers } from './servers.ts'

const rows = Number(process.env['BENCH_SKEW_ROWS'] ?? 2_000_000)
const partitions = 16
const days = 160

const inserted = (range: string): string => `postgres.insert('public.skewed_copy', { schema: Row, range: '${range}' })`
/** Blocks are owned by no sink: they are compared with the same sink along the key. */
const upserted = `postgres.upsert('public.skewed_keyed', { schema: Row, key: ['id'] })`

const ways = {
  'equal width': { by: `partition.byTime('at', { every: 'P${days / partitions}D' })`, sink: inserted('at') },
  quantiles: { by: `partition.byQuantiles('at', { rows: ${rows / partitions} })`, sink: inserted('at') },
  auto: { by: `partition.auto({ rows: ${rows / partitions} })`, sink: inserted('id') },
  'equal width, upserted': { by: `partition.byTime('at', { every: 'P${days / partitions}D' })`, sink: upserted },
  'blocks, upserted': { by: `partition.byBlocks({ rows: ${rows / partitions} })`, sink: upserted },
  'auto, upserted': { by: `partition.auto({ rows: ${rows / partitions} })`, sink: upserted },
} as const
type Way = keyof typeof ways
const names = Object.keys(ways) as Way[]

export async function benchSkew(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  // Inside the checkout: the definitions find their packages.
  await mkdir(join(root, '.tidemark'), { recursive: true })
  const scratch = await mkdtemp(join(root, '.tidemark', 'bench-skew-'))
  const env = { ...servers.env('skew'), TIDEMARK_DEFINITIONS: scratch, LOG_LEVEL: 'info' }
  const db = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 })
  const processes: ReturnType<typeof startTidemark>[] = []
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await startTidemark(args, root, env).ended
    if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  try {
    for (const name of names) await writeFile(join(scratch, `${idOf(name)}.ts`), definition(name))
    await db.query(table)
    await db.query('vacuum analyze skewed')
    await command('topics', 'apply')
    for (const role of ['planner', 'ledger', 'supervisor']) processes.push(startTidemark([role], root, env))
    for (const worker of ['worker-1', 'worker-2'])
      processes.push(startTidemark(['worker', '--worker-id', worker, '--slots', '1'], root, env))
    await Promise.all(processes.map((process) => logged(process, 'ready')))
    const seconds = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Way, number[]>
    for (let round = 0; round < rounds; round += 1)
      for (const name of names) {
        await db.query('truncate skewed_copy, skewed_keyed; checkpoint')
        const requestKey = `${name}/${round}`
        await command('submit', idOf(name), '--request-key', requestKey, '--wait')
        const took = await makespan(db, requestKey)
        seconds[name].push(took)
        console.error(`round ${round + 1} of ${rounds}: ${name} ${took.toFixed(2)} s`)
      }
    const figure = (name: Way): BenchResult => ({
      name: `skewed table by ${name}`,
      value: median(seconds[name]),
      unit: 's',
      ratioTo: null,
    })
    const ratio = (name: Way, to: Way): BenchResult => ({
      name: `${name}: as fast as ${to}, times`,
      value: median(seconds[to].map((slow, at) => slow / (seconds[name][at] ?? Number.NaN))),
      unit: 'ratio',
      ratioTo: to,
    })
    return [
      ...names.map(figure),
      ...[ratio('quantiles', 'equal width'), ratio('auto', 'equal width')],
      ...[ratio('blocks, upserted', 'equal width, upserted'), ratio('auto, upserted', 'equal width, upserted')],
    ]
  } finally {
    for (const { child } of processes) child.kill('SIGTERM')
    await Promise.all(processes.map(({ ended }) => ended))
    await db.end()
    await rm(scratch, { recursive: true, force: true })
    await servers.stop()
  }
}

const idOf = (way: Way): string => `skewed-${way.replaceAll(/[ ,]+/g, '-')}`

/** From the end of planning to the last chunk, when all rows are there. */
async function makespan(db: pg.Pool, requestKey: string): Promise<number> {
  const { rows: found } = await db.query<{ seconds: number; written: string }>(
    `select extract(epoch from max(committed_at) - r.planned_at)::float8 as seconds,
            (select count(*) from skewed_copy) + (select count(*) from skewed_keyed) as written
       from skew.run r join skew.checkpoint c on c.run_id = r.id join skew.chunk using (partition_id)
      where r.request_key = $1 group by r.planned_at`,
    [requestKey],
  )
  if (Number(found[0]?.written) !== rows) throw new Error(`${found[0]?.written} rows were written, not ${rows}`)
  return found[0]?.seconds ?? Number.NaN
}

/** Rows come in any order of time, as where many clients report late; nine of ten are of the last tenth of it. */
const table = `
  create table skewed (id int8 primary key, at timestamptz not null, customer int4 not null, note text not null);
  insert into skewed
  select i, timestamptz '2024-01-01Z' + interval '1 day' * (
              case when random() < 0.62 then ${days * 0.93} + random() * ${days * 0.06} else random() * ${days} end),
         (random() * 1e6)::int4, repeat(md5(i::text), 4)
    from generate_series(1, ${rows}) as i;
  create index on skewed (at);
  create table skewed_copy (like skewed);
  create table skewed_keyed (like skewed, primary key (id));`

const definition = (way: Way): string => `
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { postgres } from 'tidemark/postgres'

const Row = z.object({ id: z.bigint(), at: z.date(), customer: z.int(), note: z.string() })

export default defineBackfill({
  id: '${idOf(way)}',
  source: postgres.table('public.skewed', { schema: Row, key: 'id' }),
  partitionBy: ${ways[way].by},
  sink: ${ways[way].sink},
})
`

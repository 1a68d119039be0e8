// The main job against `psql \copy` of the same rows from CSV into the same table, in turn, on the same servers.
import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'
import { z } from 'zod'
import { type BenchResult, median } from './result.ts'
import { root, startBenchServers } from './servers.ts'

/** What `tidemark run --json` says of the main job. */
export const Report = z.object({
  rowsWritten: z.int(),
  totalMs: z.number(),
  phasesMs: z.record(z.string(), z.number()),
  ratePerSecond: z.number(),
  peakWorkerRssMb: z.number(),
})

export async function benchFlights(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  try {
    const url = servers.databaseUrl
    const csv = join(scratch, 'flights.csv')
    const reports: z.infer<typeof Report>[] = []
    const copies: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      reports.push(await mainJob(servers.env()))
      if (round === 0) await exportCsv(url, csv)
      copies.push(await copyCsv(url, csv))
      console.error(
        `round ${round + 1} of ${rounds}: ${Math.round(reports[round]?.ratePerSecond ?? 0)} rows/s, copy ${copies[round]?.toFixed(2)} s`,
      )
    }
    const rows = reports[0]?.rowsWritten ?? 0
    const copyRate = rows / median(copies)
    const rate = median(reports.map((report) => report.ratePerSecond))
    const ratios = reports.map((report, at) => report.ratePerSecond / (rows / (copies[at] ?? Number.NaN)))
    return [
      { name: 'tidemark: rows a second while partitions run', value: rate, unit: 'rows/s', ratioTo: null },
      { name: 'psql \\copy from CSV, one stream', value: copyRate, unit: 'rows/s', ratioTo: null },
      {
        name: 'tidemark to \\copy, median of the rounds',
        value: median(ratios),
        unit: 'ratio',
        ratioTo: 'psql \\copy',
      },
      {
        name: 'tidemark: whole run, servers excluded',
        value: median(reports.map((report) => report.totalMs)) / 1000,
        unit: 's',
        ratioTo: null,
      },
      {
        name: 'tidemark: largest worker, resident',
        value: Math.max(...reports.map((report) => report.peakWorkerRssMb)),
        unit: 'MB',
        ratioTo: null,
      },
    ]
  } finally {
    await rm(scratch, { recursive: true, force: true })
    await servers.stop()
  }
}

export async function mainJob(env: NodeJS.ProcessEnv): Promise<z.infer<typeof Report>> {
  const args = ['src/cli/main.ts', 'run', 'flights', '--definitions', 'examples/flights', '--json']
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const part of child.stdout) text += String(part)
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
  if (child.exitCode !== 0) throw new Error(`the main job ended with ${child.exitCode}`)
  return Report.parse(JSON.parse(text))
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const exportCsv = (url: string, file: string): Promise<void> =>
  withClient(url, (client) => pipeline(client.query(to('copy public.flights to stdout csv')), createWriteStream(file)))

/** Seconds to load the file into an empty table like the sink; by psql where it is installed, else by the same COPY from here. */
async function copyCsv(url: string, file: string): Promise<number> {
  return withClient(url, async (client) => {
    await client.query('drop table if exists public.flights_copy')
    await client.query('create table public.flights_copy (like public.flights including all)')
    await client.query('checkpoint')
    const began = performance.now()
    const bySql = await psqlCopy(url, file)
    if (!bySql) await pipeline(createReadStream(file), client.query(from('copy public.flights_copy from stdin csv')))
    const seconds = (performance.now() - began) / 1000
    await client.query('drop table public.flights_copy')
    return seconds
  })
}

function psqlCopy(url: string, file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('psql', [url, '-qX', '-c', `\\copy public.flights_copy from '${file}' csv`], {
      stdio: ['ignore', 2, 2],
    })
    child.once('error', () => {
      console.error('psql is not installed: the same COPY goes through this process')
      resolve(false)
    })
    child.once('exit', (code) => (code === 0 ? resolve(true) : reject(new Error(`psql ended with ${code}`))))
  })
}

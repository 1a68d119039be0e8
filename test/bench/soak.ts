// Whether a worker that works for long holds on to more and more: one worker, the main job again and again, for half an
// hour (BENCH_SOAK_MINUTES); resident memory and timers late, against those early.
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { logged } from '../support/roles.ts'
import { startTidemark } from '../support/tidemark-process.ts'
import { type BenchResult, median } from './result.ts'
import type { Sample } from './sampler.ts'
import { flights, root, startBenchServers } from './servers.ts'

const sampler = pathToFileURL(join(import.meta.dirname, 'sampler.ts')).href
const minutes = Number(process.env['BENCH_SOAK_MINUTES'] ?? 30)

export async function benchSoak(): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-soak-'))
  const samplesFile = join(scratch, 'samples.ndjson')
  const env = servers.env('soak')
  const command = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await startTidemark(args, root, env).ended
    if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}`)
  }
  const db = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 })
  const processes: ReturnType<typeof startTidemark>[] = []
  try {
    await db.query(await readFile(join(flights, 'flights.prepare.sql'), 'utf8'))
    await command('topics', 'apply')
    for (const role of ['planner', 'ledger', 'supervisor'])
      processes.push(startTidemark([role, '--definitions', flights], root, env))
    const watched = { ...env, SAMPLES_FILE: samplesFile, NODE_OPTIONS: `--import=${sampler}` }
    processes.push(startTidemark(['worker', '--worker-id', 'worker-1', '--definitions', flights], root, watched))
    await Promise.all(processes.map((process) => logged(process, 'ready')))
    const until = performance.now() + minutes * 60_000
    let runs = 0
    for (; performance.now() < until; runs += 1) await command('submit', 'flights', '--wait')
    const samples = readFileSync(samplesFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Sample)
    console.error(`${runs} runs; resident MB each minute: ${eachMinute(samples).join(' ')}`)
    return results(samples, runs)
  } finally {
    for (const { child } of processes) child.kill('SIGTERM')
    await Promise.all(processes.map(({ ended }) => ended))
    await db.end()
    await servers.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

function eachMinute(samples: readonly Sample[]): number[] {
  const byMinute = Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / 60_000))
  return [...byMinute.values()].map((of) => median(of.map(({ rssMb }) => rssMb)))
}

/** The first sixth warms up and says nothing; the second is early, the last late. */
function results(samples: readonly Sample[], runs: number): BenchResult[] {
  const sixth = Math.floor(samples.length / 6)
  const [early, late] = [samples.slice(sixth, 2 * sixth), samples.slice(-sixth)]
  const of = (part: readonly Sample[], key: 'rssMb' | 'heapMb' | 'timers'): number =>
    median(part.map((sample) => sample[key]))
  const figure = (name: string, value: number, unit: BenchResult['unit'], ratioTo: string | null = null) => ({
    ...{ name, value, unit, ratioTo },
  })
  return [
    figure('soak: rows', runs * 3_000_000, 'rows'),
    figure('soak: resident, early', of(early, 'rssMb'), 'MB'),
    figure('soak: resident, late', of(late, 'rssMb'), 'MB'),
    figure('soak: resident, largest', Math.max(...samples.map(({ rssMb }) => rssMb)), 'MB'),
    figure('soak: resident, late to early', of(late, 'rssMb') / of(early, 'rssMb'), 'ratio', 'early'),
    figure('soak: heap in use, late to early', of(late, 'heapMb') / of(early, 'heapMb'), 'ratio', 'early'),
    figure('soak: timers, early', of(early, 'timers'), 'timers'),
    figure('soak: timers, late', of(late, 'timers'), 'timers'),
  ]
}

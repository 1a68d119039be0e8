// The certificate of the main job's run against a plain count and hash of the same table, in turn, on the same servers.
import { spawn } from 'node:child_process'
import pg from 'pg'
import { z } from 'zod'
import { SealedCertificate } from '../../src/contract/run-certificate.ts'
import { mainJob } from './flights.ts'
import { type BenchResult, median } from './result.ts'
import { root, startBenchServers } from './servers.ts'

const columns = 'position, departed_at, delay_minutes, distance_miles, origin, destination'

export async function benchCertify(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  const client = new pg.Client({ connectionString: servers.databaseUrl })
  try {
    const env = { ...servers.env(), TIDEMARK_DEFINITIONS: 'examples/flights' }
    const { rowsWritten } = await mainJob(env)
    await client.connect()
    await client.query('vacuum analyze public.flights')
    const [{ id: runId } = { id: '' }] = (await client.query<{ id: string }>('select id from tidemark.run')).rows
    const seconds = { plain: [] as number[], equal: [] as number[], different: [] as number[] }
    for (let round = 0; round < rounds; round += 1) {
      seconds.plain.push(await plainHash(client))
      seconds.equal.push(await timed(env, runId, 'equal'))
      const position = 17 + Math.floor(((round + 0.5) * rowsWritten) / rounds)
      await client.query('update public.flights set delay_minutes = delay_minutes + 1 where position = $1', [position])
      seconds.different.push(await timed(env, runId, 'different', String(position)))
      await client.query('update public.flights set delay_minutes = delay_minutes - 1 where position = $1', [position])
      const last = Object.entries(seconds).map(([name, all]) => `${name} ${all.at(-1)?.toFixed(2)} s`)
      console.error(`round ${round + 1} of ${rounds}: ${last.join(', ')}`)
    }
    const ratio = (all: readonly number[]): number =>
      median(all.map((value, at) => value / (seconds.plain[at] ?? Number.NaN)))
    const second = (name: string, all: readonly number[]): BenchResult => ({
      ...{ name, value: median(all), unit: 's', ratioTo: null },
    })
    const against = 'count(*) and sum(hash) in SQL'
    return [
      { name: 'rows certified', value: rowsWritten, unit: 'rows', ratioTo: null },
      second('count(*) and sum(hash) in SQL', seconds.plain),
      second('tidemark certify, equal', seconds.equal),
      second('tidemark certify, one value changed, its key named', seconds.different),
      { name: 'equal, median of the rounds', value: ratio(seconds.equal), unit: 'ratio', ratioTo: against },
      {
        name: 'one value changed, median of the rounds',
        value: ratio(seconds.different),
        unit: 'ratio',
        ratioTo: against,
      },
    ]
  } finally {
    await client.end()
    await servers.stop()
  }
}

async function plainHash(client: pg.Client): Promise<number> {
  const began = performance.now()
  await client.query(`select count(*), sum(hash_record_extended(row(${columns}), 0)::numeric) from public.flights`)
  return (performance.now() - began) / 1_000
}

/** Seconds of the whole command, the start of its process included. Throws unless it says what it should. */
async function timed(env: NodeJS.ProcessEnv, runId: string, verdict: string, position?: string): Promise<number> {
  const began = performance.now()
  const child = spawn(process.execPath, ['src/cli/main.ts', 'certify', runId, '--json'], {
    ...{ cwd: root, env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  const seconds = (performance.now() - began) / 1_000
  const parsed = z
    .string()
    .transform((text) => SealedCertificate.safeParse(JSON.parse(text || 'null')))
    .parse(stdout)
  if (!parsed.success) throw new Error(`certify told no certificate: ${stderr}`)
  const { certificate } = parsed.data
  if (certificate.verdict !== verdict) throw new Error(`certify says ${certificate.verdict}, not ${verdict}: ${stderr}`)
  const named = certificate.certifies === 'run' ? certificate.differences.flatMap(({ rows }) => rows) : []
  const keys = named.map(({ key }) => key['position'])
  if (keys.join() !== (position ?? '')) throw new Error(`certify names ${keys.join() || 'nothing'}, not ${position}`)
  return seconds
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}

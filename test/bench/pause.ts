// How long a person who pauses a run waits until no worker writes any more: four workers in the middle of the main job,
// from the request to the last acknowledgement; and no chunk is committed after it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { z } from 'zod'
import { eventually } from '../support/eventually.ts'
import { logged } from '../support/roles.ts'
import { startTidemark } from '../support/tidemark-process.ts'
import { type BenchResult, median } from './result.ts'
import { flights, root, startBenchServers } from './servers.ts'

const workers = 4
const limitMs = 60_000
const maxAttempts = 5

const Paused = z.object({
  state: z.literal('paused'),
  acknowledged: z.object({ by: z.literal(workers), of: z.literal(workers), tookMs: z.number() }),
})

export async function benchPause(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  const env = servers.env('pause')
  const start = (...args: string[]) => startTidemark([...args, '--definitions', flights], root, env)
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await startTidemark(args, root, env).ended
    if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  const db = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 })
  const count = async (sql: string, values: unknown[]): Promise<number> =>
    Number((await db.query<{ count: string }>(sql, values)).rows[0]?.count)
  /** A run in which each worker is in the middle of a partition. Which one gets how many is chance: not every run is. */
  const busyRun = async (): Promise<string> => {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const runId = await command('submit', 'flights', '--timeout', '1m')
      const state = await eventually(
        'all workers are in the middle of a partition, or the run has ended',
        async () => {
          const busy = await count(
            `select count(distinct holder) from pause.checkpoint where run_id = $1 and state = 'running' and sequence > 0`,
            [runId],
          )
          if (busy === workers) return 'busy'
          const ended = await count("select count(*) from pause.run where id = $1 and state = 'completed'", [runId])
          return ended > 0 ? 'ended' : undefined
        },
        limitMs,
      )
      if (state === 'busy') return runId
    }
    throw new Error(`of ${maxAttempts} runs none kept ${workers} workers busy at once`)
  }
  const processes: ReturnType<typeof start>[] = []
  try {
    await db.query(await readFile(join(flights, 'flights.prepare.sql'), 'utf8'))
    await command('topics', 'apply')
    for (const role of ['planner', 'ledger', 'supervisor']) processes.push(start(role))
    for (let at = 1; at <= workers; at += 1) processes.push(start('worker', '--worker-id', `worker-${at}`))
    await Promise.all(processes.map((process) => logged(process, 'ready')))
    const tookMs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const runId = await busyRun()
      const { acknowledged } = Paused.parse(JSON.parse(await command('pause', runId, '--wait', '--json')))
      const late = await count(
        `select count(*) from pause.chunk join pause.checkpoint using (partition_id)
          where run_id = $1 and committed_at > (select max(at) from pause.ledger_acknowledgement where run_id = $1)`,
        [runId],
      )
      if (late > 0) throw new Error(`${late} chunks were committed after the last acknowledgement`)
      tookMs.push(acknowledged.tookMs)
      console.error(`round ${round + 1} of ${rounds}: ${acknowledged.tookMs} ms`)
      await command('cancel', runId, '--yes', '--wait')
    }
    const facts = { unit: 'ms', ratioTo: null } as const
    return [
      { name: 'pause: to the last of 4 acknowledgements', value: median(tookMs), ...facts },
      { name: 'pause: the slowest round', value: Math.max(...tookMs), ...facts },
    ]
  } finally {
    for (const { child } of processes) child.kill('SIGTERM')
    await Promise.all(processes.map(({ ended }) => ended))
    await db.end()
    await servers.stop()
  }
}

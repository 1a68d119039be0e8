// A plan of a million partitions: how long it takes, what memory the planner needs, and whether one that is killed three
// times in the middle writes the same partitions as one that is not; then its tasks, published in a window while a worker
// does them.
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { heapFlagsOf } from '../../src/cli/run/heap-flags.ts'
import { eventually } from '../support/eventually.ts'
import { logged } from '../support/roles.ts'
import { startTidemark, type TidemarkProcess } from '../support/tidemark-process.ts'
import type { BenchResult } from './result.ts'
import { root, startBenchServers } from './servers.ts'

const partitions = Number(process.env['BENCH_PLAN_PARTITIONS'] ?? 1_000_000)
/** Tasks that are done while others are published. */
const drained = Math.min(partitions, Number(process.env['BENCH_PLAN_DRAINED'] ?? 100_000))
const openTasks = 10_000
const limitMs = 900_000
const killsAt = [0.2, 0.5, 0.8]

export async function benchPlan(): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  // Inside the checkout: the definition finds its packages.
  await mkdir(join(root, '.tidemark'), { recursive: true })
  const scratch = await mkdtemp(join(root, '.tidemark', 'bench-plan-'))
  const env = {
    ...servers.env('plan'),
    TIDEMARK_DEFINITIONS: scratch,
    TIDEMARK_OPEN_TASKS: String(openTasks),
    LOG_LEVEL: 'info',
  }
  const db = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 })
  const processes: TidemarkProcess[] = []
  const start = async (...args: string[]): Promise<TidemarkProcess> => {
    // As `tidemark up` starts it.
    const heap = args[0] === 'planner' ? { NODE_OPTIONS: heapFlagsOf('planner', '').join(' ') } : {}
    const process = startTidemark(args, root, { ...env, ...heap })
    processes.push(process)
    await logged(process, 'ready')
    return process
  }
  const command = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await startTidemark(args, root, env).ended
    if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  const number = async (sql: string, values: unknown[]): Promise<number> =>
    Number((await db.query<{ n: string }>(sql, values)).rows[0]?.n ?? 0)
  try {
    await writeFile(join(scratch, 'noop.ts'), definition)
    await db.query('create table noop_source (id bigint primary key); create table noop_sink (id bigint primary key)')
    await command('topics', 'apply')
    await start('ledger')
    const planners = [await start('planner')]
    const measure = (): void => {
      for (const planner of planners.slice(-1)) memoryMb = Math.max(memoryMb, largestMb(planner))
    }
    let memoryMb = 0
    const planned = async (kills: readonly number[]): Promise<{ runId: string; seconds: number; rows: string }> => {
      const began = performance.now()
      const runId = await command('submit', 'noop', '--params', `{"to":${partitions}}`, '--timeout', '5m')
      const cursor = (): Promise<number> => number('select plan_cursor as n from plan.run where id = $1', [runId])
      for (const share of kills) {
        await eventually('the plan to get on', async () => (await cursor()) >= share * partitions || undefined, limitMs)
        measure()
        const planner = planners.at(-1)
        planner?.child.kill('SIGKILL')
        await planner?.ended
        planners.push(await start('planner'))
      }
      await eventually(
        'the plan',
        async () => (await number('select count(planned_at) as n from plan.run where id = $1', [runId])) || undefined,
        limitMs,
      )
      const seconds = (performance.now() - began) / 1_000
      measure()
      // Everything of a partition but its id, which is the run's own.
      const { rows } = await db.query<{ rows: string }>(
        `select md5(string_agg(md5(format('%s/%s/%s/%s', index, "from", "to", locator)), '' order by index)) as rows
           from plan.partition where run_id = $1`,
        [runId],
      )
      return { runId, seconds, rows: rows[0]?.rows ?? '' }
    }
    const whole = await planned([])
    console.error(`undisturbed: ${whole.seconds.toFixed(1)} s`)
    await command('cancel', whole.runId, '--yes')
    await db.query(`update plan.run set state = 'cancelled', ended_at = now() where id = $1`, [whole.runId])
    const killed = await planned(killsAt)
    console.error(`killed ${killsAt.length} times: ${killed.seconds.toFixed(1)} s`)
    if (whole.rows !== killed.rows) throw new Error('a planner that was killed wrote other partitions')
    const began = performance.now()
    await start('worker', '--worker-id', 'worker-1', '--slots', '256')
    let mostOpen = 0
    const ended = `select count(*) as n from plan.ledger_partition where run_id = $1 and state = 'completed'`
    const done = await eventually(
      'tasks to be done',
      async () => {
        const of = await number(ended, [killed.runId])
        const published = await number('select published as n from plan.run where id = $1', [killed.runId])
        mostOpen = Math.max(mostOpen, published - of)
        return of >= drained ? of : undefined
      },
      limitMs,
    )
    const rate = done / ((performance.now() - began) / 1_000)
    measure()
    // Read before what ended was counted: up to a batch more may have been published in between.
    if (mostOpen > openTasks + 5_000) throw new Error(`${mostOpen} tasks were open, of ${openTasks}`)
    const figure = (
      name: string,
      value: number,
      unit: BenchResult['unit'],
      ratioTo: string | null = null,
    ): BenchResult => ({
      ...{ name, value, unit, ratioTo },
    })
    return [
      figure('plan: partitions', partitions, 'tasks'),
      figure('plan: to the last page', whole.seconds, 's'),
      figure(`plan: the same, killed ${killsAt.length} times`, killed.seconds, 's'),
      figure('plan: killed to undisturbed', killed.seconds / whole.seconds, 'ratio', 'undisturbed'),
      figure('plan: largest planner, resident', memoryMb, 'MB'),
      figure('plan: most open tasks', mostOpen, 'tasks'),
      figure('plan: tasks done while others are published', rate, 'tasks/s'),
    ]
  } finally {
    for (const { child } of processes) child.kill('SIGKILL')
    await Promise.all(processes.map(({ ended }) => ended))
    await db.end()
    await rm(scratch, { recursive: true, force: true })
    await servers.stop()
  }
}

/** The most memory that a process ever had, as Linux tells. */
function largestMb({ child }: TidemarkProcess): number {
  const file = `/proc/${child.pid}/status`
  if (!existsSync(file)) return 0
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8')) ?? []
  return Math.round(Number(kb ?? 0) / 1_024)
}

const definition = `
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { postgres } from 'tidemark/postgres'

const Row = z.object({ id: z.bigint() })

export default defineBackfill({
  id: 'noop',
  params: z.object({ from: z.int().default(0), to: z.int() }),
  source: postgres.table('public.noop_source', { schema: Row, key: 'id' }),
  partitionBy: partition.byKey('id', { size: 1, bounds: { from: 'from', to: 'to' } }),
  sink: postgres.insert('public.noop_sink', { schema: Row, range: 'id' }),
})
`

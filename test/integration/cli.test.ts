import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PlanReport } from '../../src/contract/plan-report.ts'
import { eventually } from '../support/eventually.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { childrenOf, isRunning, startTidemark, type TidemarkProcess } from '../support/tidemark-process.ts'

let small: SmallBackfill
let up: TidemarkProcess

beforeAll(async () => {
  small = await createSmallBackfill({ rows: 5_000, rowGroupRows: 1_000, chunkRows: 500 })
  const sink = `${small.env.TIDEMARK_SCHEMA}_sink`
  writeFileSync(join(small.folder, 'copy.backfill.yaml'), copyDefinition(sink))
  up = small.tidemark('up', '--definitions', '.', '--workers', '1', '--json')
  await eventually('the system is up', async () => up.stdout().endsWith('}\n') || undefined, 40_000)
  const table = small.folder
  const prepare = readFileSync(join(table, 'small.prepare.sql'), 'utf8')
  await small.query(prepare)
  await small.query(`create table ${sink}.copy (position bigint, amount text, name text not null)`)
})
afterAll(async () => {
  up.child.kill('SIGKILL')
  await up.ended
  await small.close()
})

/** A copy of what "small" wrote, without a line of code. */
const copyDefinition = (schema: string): string => `
id: copy
source: { kind: postgres.table, table: ${schema}.small, key: position }
columns: { position: int, amount: text, name: text }
partitionBy: { by: quantiles, column: position, rows: 1000 }
sink: { kind: postgres.insert, table: ${schema}.copy, range: position }
limits: { chunkRows: 300 }
`

/** Another terminal: the same folder, but none of the variables. */
const elsewhere = (...args: string[]): TidemarkProcess =>
  startTidemark(args, small.folder, { PATH: small.env.PATH, HOME: small.env.HOME })

describe('with "tidemark up" in another terminal', () => {
  test('its environment is one JSON document', () => {
    expect(JSON.parse(up.stdout())).toMatchObject({
      KAFKA_BROKERS: small.env.KAFKA_BROKERS,
      TIDEMARK_TOPIC_PREFIX: small.topicPrefix,
    })
  })

  test('submit --wait, status and watch find it by themselves', async () => {
    const submitted = await elsewhere('submit', 'small', '--wait', '--json').ended
    expect(submitted.code, submitted.stderr).toBe(0)
    const { runId, ...rest } = JSON.parse(submitted.stdout) as { runId: string }
    expect(rest).toMatchObject({ answer: 'accepted', state: 'completed', rowsWritten: 5_000 })
    expect(await small.sink()).toEqual({ rows: 5_000, distinct: 5_000, wrong: 0 })

    const watched = await elsewhere('watch', runId, '--json').ended
    expect(watched.code, watched.stderr).toBe(0)
    const types = watched.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type)
    expect(types.filter((type) => type === 'partition.completed')).toHaveLength(5)
    expect(types.at(-1)).toBe('run.completed')

    const listed = await elsewhere('status', '--json').ended
    expect(JSON.stringify(JSON.parse(listed.stdout))).toContain(runId)
    const one = await elsewhere('status', runId).ended
    expect(one.code, one.stderr).toBe(0)
    expect(one.stdout).toContain('completed')
    const explained = await elsewhere('explain', `${runId}/3`).ended
    expect(explained.code, explained.stderr).toBe(0)
    expect(explained.stdout).toContain(`partition 3 of run ${runId} (small): completed`)
    expect(explained.stdout).toContain('after it was first claimed: 1,000 rows')
    expect(explained.stdout).toMatch(/chunk 2: 500 rows; read [\d.]+m?s, transform/)
  })

  test('a definition in YAML is looked at, approved of, and run as it was looked at', async () => {
    await small.query(`analyze ${small.env.TIDEMARK_SCHEMA}_sink.small`)
    const told = await elsewhere('plan', 'copy', '--definitions', '.', '--json').ended
    expect(told.code, told.stderr).toBe(0)
    const report = PlanReport.parse(JSON.parse(told.stdout))
    expect(report).toMatchObject({ backfill: 'copy', partitions: 5, conflicts: [], rows: { total: 5_000 } })
    expect(report.forecast?.probedRows).toBeGreaterThan(0)
    expect(await small.query(`select count(*)::int as rows from ${small.env.TIDEMARK_SCHEMA}_sink.copy`)).toEqual([
      { rows: 0 },
    ])
    const forPeople = await elsewhere('plan', 'copy', '--definitions', '.', '--no-probe').ended
    expect(forPeople.stdout).toContain('5 with about 5,000 rows: 1,000 to 1,000 each')

    writeFileSync(join(small.folder, 'plan.json'), told.stdout)
    const submitted = await elsewhere('submit', 'copy', '--plan', 'plan.json', '--wait', '--json').ended
    expect(submitted.code, submitted.stderr).toBe(0)
    expect(JSON.parse(submitted.stdout)).toMatchObject({ state: 'completed', rowsWritten: 5_000, partitions: 5 })
    const schema = `${small.env.TIDEMARK_SCHEMA}_sink`
    const [compared] = await small.query<{ rows: number; wrong: number }>(
      `select count(*)::int as rows, count(*) filter (where s.amount::text <> c.amount or s.name <> c.name)::int as wrong
         from ${schema}.copy c join ${schema}.small s using (position)`,
    )
    expect(compared).toEqual({ rows: 5_000, wrong: 0 })

    await small.query(`delete from ${schema}.small where position >= 4000`)
    const stale = await elsewhere('submit', 'copy', '--plan', 'plan.json').ended
    expect(stale.code).toBe(2)
    expect(stale.stderr).toContain('the range was 0 to 5000 and is 0 to 4000')
  })

  test('the same request key and body are the same run; another body is refused', async () => {
    const key = ['--request-key', 'once']
    const first = await elsewhere('submit', 'small', ...key).ended
    const second = await elsewhere('submit', 'small', ...key, '--wait').ended
    expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0])
    expect(second.stdout).toContain(first.stdout.trim())
    const third = await elsewhere('submit', 'small', ...key, '--param', 'note=x').ended
    expect(third.code).toBe(2)
    expect(third.stderr).toContain('once')
  })

  test('bad requests are answered with every reason, and nothing is stuck behind them', async () => {
    const unknown = await elsewhere('submit', 'smal').ended
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('smal')
    const params = await elsewhere('submit', 'small', '--param', 'note=1', '--param', 'nope=2').ended
    expect(params.code).toBe(2)
    expect(params.stderr).toContain('nope')

    const messages = [
      { key: 'broken', value: '{"version":1,' },
      {
        key: 'unknown-field',
        value: JSON.stringify({ version: 1, type: 'start', requestKey: 'u', backfill: 'small', parms: {} }),
      },
      { key: 'no-json', value: 'hello' },
    ]
    const kafka = new kafkajs.Kafka({ brokers: [...small.kafkaBrokers], logLevel: kafkajs.logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: `${small.topicPrefix}.requests`, messages })
    await producer.disconnect()
    await eventually('the bad messages are answered', async () => {
      const rows = await small.query<{ reasons: string }>(
        `select event::text as reasons from ${small.env.TIDEMARK_SCHEMA ?? ''}.ledger_event where type = 'request.rejected'`,
      )
      return (rows.length >= 5 && rows.some(({ reasons }) => reasons.includes('parms'))) || undefined
    })
    const good = await elsewhere('submit', 'small', '--wait').ended
    expect(good.code, good.stderr).toBe(0)
  })

  test('topics are as declared, and a second start of the same folder is refused', async () => {
    const checked = await elsewhere('topics', 'check').ended
    expect(checked.code, checked.stderr).toBe(0)
    const applied = await elsewhere('topics', 'apply', '--json').ended
    expect(
      (JSON.parse(applied.stdout) as { changes: { change: string }[] }).changes.map(({ change }) => change),
    ).not.toContain('created')
    const second = await elsewhere('up').ended
    expect(second.code).toBe(8)
    expect(second.stderr).toContain('tidemark up')
  })

  test('what is not there is said to be not there', async () => {
    const status = await elsewhere('status', '0190a7e2-0000-7000-8000-000000000009').ended
    expect(status.code).toBe(5)
    const watch = await elsewhere('watch', 'nonsense').ended
    expect(watch.code).toBe(5)
  })

  test('a worker that dies is replaced; Ctrl-C, arriving twice, ends everything in good order', async () => {
    const pid = up.child.pid ?? 0
    const before = childrenOf(pid)
    const worker = before.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('worker-1'))
    process.kill(worker ?? 0, 'SIGKILL')
    await eventually(
      'another worker',
      async () => childrenOf(pid).some((child) => !before.includes(child)) || undefined,
    )
    const roles = childrenOf(pid)
    up.child.kill('SIGINT')
    up.child.kill('SIGINT')
    expect((await up.ended).code).toBe(0)
    expect(roles.filter(isRunning)).toEqual([])
  })
})

describe('without a running system', () => {
  test('the missing variables are named, with the way to get them', async () => {
    const { code, stderr } = await startTidemark(['status'], small.folder, { PATH: small.env.PATH }).ended
    expect(code).toBe(2)
    expect(stderr).toMatch(/KAFKA_BROKERS and DATABASE_URL are not set.*tidemark up/)
  })

  test('brokers out of reach: exit code 7, with the address', async () => {
    const env = { ...small.env, KAFKA_BROKERS: '127.0.0.1:1' }
    const { code, stderr } = await startTidemark(['topics', 'check'], small.folder, env).ended
    expect(code, stderr).toBe(7)
    expect(stderr).toContain('127.0.0.1:1')
  })

  test('a role without its database: exit code 7', async () => {
    const env = { ...small.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
    const { code, stderr } = await startTidemark(['planner', '--definitions', '.'], small.folder, env).ended
    expect(code, stderr).toBe(7)
  })

  test('definitions that are not there: exit code 5; that throw: exit code 2', async () => {
    const none = await startTidemark(['planner', '--definitions', 'nowhere'], small.folder, small.env).ended
    expect(none.code, none.stderr).toBe(5)
    expect(none.stderr).toContain('nowhere')
  })
})

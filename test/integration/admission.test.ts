// Risk: of many planners that die at any moment, two let runs begin that may not be live together, or a request is lost.
import { v7 as uuidV7 } from 'uuid'
import { expect, test } from 'vitest'
import { createAdmissionStore } from '../../src/plan/admission-store.ts'
import type { NewRun } from '../../src/plan/run.ts'
import { createRunStore } from '../../src/plan/run-store.ts'
import { openPool } from '../../src/postgres/pool.ts'
import { randomOf } from '../chaos/schedule.ts'
import { controlDatabase } from '../support/control-database.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

const [planners, requests, targets, limit] = [8, 120, 12, 3]
const live = `('planning', 'running', 'paused', 'cancelling')`

test('eight planners that die at any moment: never more runs than may be, never two on a target, none lost or doubled', async () => {
  const database = await controlDatabase()
  const { schema } = database
  // Looks at what is committed, at each commit, whoever commits: the run that breaks the rule is not stored.
  await database.rows(`create function :schema.too_many() returns trigger language plpgsql as $$ begin
      if (select count(*) from :schema.run where state in ${live}) > ${limit} then raise exception 'too many runs are live'; end if;
      return null; end $$`)
  await database.rows(
    'create constraint trigger too_many after insert or update on :schema.run deferrable initially deferred for each row execute function :schema.too_many()',
  )
  const random = randomOf(7)
  const asked = Array.from({ length: requests }, (_, n) => ({ key: `request-${n}`, target: `t${n % targets}` }))
  const done = new Set<string>()
  const wrong: string[] = []

  const runOf = (key: string, target: string): NewRun => ({
    ...{
      id: uuidV7(),
      requestKey: key,
      backfill: 'orders',
      definitionHash: 'a'.repeat(64),
      definition: {},
      params: {},
    },
    ...{ target: { id: target, name: target }, range: { kind: 'integer', from: '0', to: '10' }, estimatedRows: null },
    bounds: { kind: 'integer', column: 'id', from: '0', to: '10', estimatedRows: null },
    ...{ planHash: 'b'.repeat(64), partitions: 1, priority: Math.floor(random() * 3), weight: 1 },
    ...{ retryOf: null, retryWhat: null, retryOnly: null, follow: false, follows: null, earlierRuns: null },
  })

  /** A life of a planner: does a few things, and dies in the middle of one, with its connections. */
  const life = async (): Promise<void> => {
    const { databaseUrl } = testConfig({})
    const pool = openPool({ connectionString: databaseUrl, applicationName: 'mortal', max: 2, log: silentLog })
    const runs = createRunStore(pool, schema, limit)
    const admission = createAdmissionStore(pool, schema, limit)
    let isDead = false
    const acts = async (): Promise<void> => {
      for (let n = 0; n < 4 && !isDead; n += 1) {
        const next = asked[Math.floor(random() * asked.length)]
        if (next !== undefined && !done.has(next.key)) {
          const request = { version: 1, type: 'start', requestKey: next.key, backfill: 'orders', params: {} } as const
          await runs.accept(runOf(next.key, next.target), {
            request,
            bodyHash: 'c'.repeat(64),
            topicPartition: 0,
            offset: '0',
          })
          done.add(next.key)
        }
        await admission.admit()
      }
    }
    const acting = acts().catch((error: unknown) => {
      if (!isDead) wrong.push(String(error))
    })
    await new Promise((resolve) => setTimeout(resolve, 5 + random() * 60))
    isDead = true
    // As the server sees a process that was killed: its sessions end wherever they are.
    await database.pool
      .query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mortal' and random() < 0.3`,
      )
      .catch(() => {})
    await acting
    await pool.end()
  }

  const end = (): Promise<unknown> =>
    database.rows(
      `update :schema.run set state = 'completed', planned_at = now(), ended_at = now()
        where id in (select id from :schema.run where state = 'planning' order by random() limit 2)`,
    )
  const isOver = async (): Promise<boolean> => {
    const [row] = await database.rows(`select count(*)::int as n from :schema.run where state = 'completed'`)
    return row?.n === requests
  }
  while (!(await isOver())) {
    await Promise.all([...Array.from({ length: planners }, life), end()])
    for (const { key } of asked) if (!done.has(key) && random() < 0.001) done.delete(key)
  }
  expect(
    wrong.filter((error) => !/57P01|terminat|POSTGRES_UNREACHABLE|does not answer|OUTCOME_UNKNOWN|lost/i.test(error)),
  ).toEqual([])
  expect(
    await database.rows(
      'select count(*)::int as runs, count(distinct request_key)::int as keys, (select count(*)::int from :schema.request) as requests from :schema.run',
    ),
  ).toEqual([{ runs: requests, keys: requests, requests }])
}, 120_000)

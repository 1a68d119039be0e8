// Risk: the supervisor that is active dies or stands still, and nobody takes over, or both do everything.
import { expect, onTestFinished, test } from 'vitest'
import { withAdmin } from '../../src/kafka/client.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { readConfig } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { logged, prepareSmall } from '../support/roles.ts'
import { silentLog } from '../support/silent-log.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import type { TidemarkProcess } from '../support/tidemark-process.ts'

const leads = 'leads the supervisors'
const limitMs = 10_000

interface Watched {
  readonly small: SmallBackfill
  readonly runId: string
  supervisor(): TidemarkProcess
  /** How often the ledger has each of these, by type and what they are about. */
  told(): Promise<readonly string[]>
  /** Takes the only task of each partition of the run away. */
  deleteTasks(): Promise<void>
}

/** A run of three partitions that nobody works on, and of whose plan one partition is gone: there is something to alert about. */
async function watchedRun(): Promise<Watched> {
  const small = await createSmallBackfill({ rows: 3_000, rowGroupRows: 1_000, chunkRows: 500 })
  onTestFinished(small.close)
  Object.assign(small.env, { TIDEMARK_PATIENCE_MS: '1000', TIDEMARK_LEASE_MS: '2000' })
  await prepareSmall(small)
  const start = (role: string): TidemarkProcess => small.tidemark(role, '--definitions', '.')
  await Promise.all([start('planner'), start('ledger')].map((role) => logged(role, 'ready')))
  const submitted = await small.tidemark('submit', 'small', '--timeout', '1m').ended
  expect(submitted.code, submitted.stderr).toBe(0)
  const runId = submitted.stdout.trim()
  const schema = small.env['TIDEMARK_SCHEMA']
  await eventually('the tasks are published', async () => {
    const [run] = await small.query<{ published: string }>(`select published from ${schema}.run where id = $1`, [runId])
    return run?.published === '3' ? true : undefined
  })
  await small.query(`delete from ${schema}.partition where run_id = $1 and index = 1`, [runId])
  const config = readConfig(small.env)
  const topic = topicName(config.topicPrefix, 'tasks')
  return {
    ...{ small, runId },
    supervisor: () => start('supervisor'),
    told: async () => {
      const rows = await small.query<{ what: string }>(
        `select type || ' ' || coalesce(event->>'kind', event->>'index') as what from ${schema}.ledger_event
          where type like 'alert.%' or type in ('repair.made', 'partition.republished', 'worker.lost') order by at`,
      )
      return rows.map(({ what }) => what)
    },
    deleteTasks: () =>
      withAdmin(config, silentLog, async (admin) => {
        const ends = (await admin.fetchTopicOffsets(topic)).filter(({ low, high }) => low !== high)
        const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }))
        await admin.deleteTopicRecords({ topic, partitions })
      }),
  }
}

/** Two supervisors, of which the first leads and has raised the alert, and the ledger knows. */
async function twoSupervisors(watched: Watched): Promise<readonly [TidemarkProcess, TidemarkProcess]> {
  const first = watched.supervisor()
  await logged(first, leads)
  const second = watched.supervisor()
  await logged(second, 'ready')
  await eventually('the alert is recorded', async () =>
    (await watched.told()).join() === 'alert.raised coverageGap' ? true : undefined,
  )
  return [first, second]
}

const republished = (told: readonly string[]): string[] => told.filter((what) => what.startsWith('partition.')).sort()

test('when the active supervisor is killed, the other one takes over, and tells nothing again', async () => {
  const watched = await watchedRun()
  const [first, second] = await twoSupervisors(watched)
  const began = performance.now()
  first.child.kill('SIGKILL')
  await logged(second, leads)
  expect(performance.now() - began).toBeLessThan(limitMs)
  await watched.deleteTasks()
  await eventually('the new leader publishes both again', async () =>
    republished(await watched.told()).length >= 2 ? true : undefined,
  )
  // What it found open it does not raise, and what it published is covered.
  await eventually('some more looks', async () => (performance.now() - began > limitMs + 5_000 ? true : undefined))
  const told = await watched.told()
  expect(told.filter((what) => what.startsWith('alert.'))).toEqual(['alert.raised coverageGap'])
  expect(republished(told)).toEqual(['partition.republished 0', 'partition.republished 2'])
}, 120_000)

test('when the active supervisor stands still, the other one takes over, and what wakes up does nothing again', async () => {
  const watched = await watchedRun()
  const [first, second] = await twoSupervisors(watched)
  const began = performance.now()
  first.child.kill('SIGSTOP')
  await logged(second, leads)
  expect(performance.now() - began).toBeLessThan(limitMs)
  await watched.deleteTasks()
  await eventually('the new leader publishes both again', async () =>
    republished(await watched.told()).length >= 2 ? true : undefined,
  )
  first.child.kill('SIGCONT')
  const woke = performance.now()
  await eventually('some more looks of both', async () => (performance.now() - woke > 5_000 ? true : undefined))
  const told = await watched.told()
  expect(told.filter((what) => what.startsWith('alert.'))).toEqual(['alert.raised coverageGap'])
  expect(republished(told)).toEqual(['partition.republished 0', 'partition.republished 2'])
}, 120_000)

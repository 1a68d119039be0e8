// Risk: a worker that hangs goes on writing to a run that is paused, or what was taken from it never goes on.
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { prepareSmall, startRoles } from '../support/roles.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'

let small: SmallBackfill
afterEach(() => small.close())

async function command(...args: string[]): Promise<string> {
  const ended = await small.tidemark(...args).ended
  expect(ended.code, `tidemark ${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toBe(0)
  return ended.stdout.trim()
}

test('a pause that a hanging worker does not obey is carried out without it: its chunk changes nothing; resumed: all rows', async () => {
  // Both partitions stand in their first chunk, and do not listen there.
  small = await createSmallBackfill({ rows: 4_000, rowGroupRows: 2_000, chunkRows: 500, holdAtRow: 400 })
  Object.assign(small.env, { TIDEMARK_INTENT_LATE_MS: '1000', TIDEMARK_INTENT_FORCED_MS: '1000' })
  await prepareSmall(small)
  await startRoles(small, ['worker-1'])
  const runId = await command('submit', 'small')
  const checkpoints = (): Promise<{ holder: string; held_for: number; epoch: number; sequence: number }[]> =>
    small.query(
      `select holder, held_for, epoch::int, sequence::int from ${small.env['TIDEMARK_SCHEMA']}.checkpoint where run_id = $1`,
      [runId],
    )
  await eventually('both are claimed', async () => ((await checkpoints()).length === 2 ? true : undefined))
  await command('pause', runId)
  await eventually('the pause is forced', async () => {
    const told = await small.query(
      `select from ${small.env['TIDEMARK_SCHEMA']}.ledger_event where type = 'repair.made' and event ->> 'kind' = 'intentForced'`,
    )
    return told.length > 0 ? true : undefined
  })
  const taken = { holder: 'nobody', held_for: -1, epoch: 2, sequence: 0 }
  expect(await checkpoints()).toEqual([taken, taken])

  small.letGo()
  await eventually('the worker obeys', async () => {
    const { state, acknowledged } = JSON.parse(await command('status', runId, '--json')) as {
      readonly state: string
      readonly acknowledged?: { readonly by: number }
    }
    return state === 'paused' && acknowledged?.by === 1 ? true : undefined
  })
  expect((await checkpoints()).map(({ sequence }) => sequence)).toEqual([0, 0])
  expect(await small.sink()).toMatchObject({ rows: 0 })

  await command('resume', runId)
  await command('watch', runId)
  expect(await small.sink()).toEqual({ rows: 4_000, distinct: 4_000, wrong: 0 })
}, 120_000)

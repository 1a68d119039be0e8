import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createSmallBackfill } from '../support/small-backfill.ts'
import { childrenOf, isRunning } from '../support/tidemark-process.ts'

test('a start that is SIGKILLed leaves no process behind, and the next one finishes its run', async () => {
  const small = await createSmallBackfill({ rows: 40_000, rowGroupRows: 5_000, chunkRows: 500, pauseMs: 200 })
  onTestFinished(small.close)

  const killed = small.tidemark('run', 'small', '--definitions', '.', '--json')
  await eventually(
    'rows in the sink',
    async () => ((await small.sink().catch(() => undefined))?.rows ?? 0) > 2_000 || undefined,
    40_000,
  )
  const pid = killed.child.pid ?? 0
  const roles = childrenOf(pid)
  expect(roles.length).toBe(5)
  killed.child.kill('SIGKILL')
  await killed.ended
  await eventually('all roles have ended', async () => roles.every((role) => !isRunning(role)) || undefined, 5_000)
  const { rows } = await small.sink()
  expect(rows).toBeLessThan(40_000)

  const next = await small.tidemark('run', 'small', '--definitions', '.', '--json').ended
  expect(next.code, next.stderr).toBe(0)
  expect(next.stderr).toContain('is resumed')
  expect(await small.sink()).toEqual({ rows: 40_000, distinct: 40_000, wrong: 0 })
  expect(JSON.parse(next.stdout)).toMatchObject({ rowsWritten: 40_000, rowsStored: 40_000 })
}, 120_000)

import { expect, onTestFinished, test } from 'vitest'
import { createSmallBackfill } from '../support/small-backfill.ts'
import { startWithoutWorkers, startWorker } from '../support/worker-process.ts'

const session = { TIDEMARK_SESSION_TIMEOUT_MS: '30000' }

test('a worker that is SIGKILLed and started again under its id has its lanes long before the old session ends', async () => {
  const small = await createSmallBackfill({ rows: 1_000, rowGroupRows: 1_000, chunkRows: 500 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const other = startWorker(small, 'worker-2', session)
  await other.claimed(48)
  const first = startWorker(small, 'worker-1', session)
  await first.claimed(24)
  first.signal('SIGKILL')
  await first.exited

  const again = startWorker(small, 'worker-1', session)
  const claimedMs = await again.claimed(24)
  const [removed] = again.lines('member removed from the group')
  expect(removed?.['evicted']).toBe('worker-1')
  // From when it began to look: the start of a process is the machine's affair.
  expect(claimedMs - Date.parse(removed?.time ?? '')).toBeLessThan(4_000)
  // The other's lanes are as they were: the same set of workers gives the same lanes.
  expect(other.lines('lanes drained')).toHaveLength(1)
}, 120_000)

test('two live workers with one id: the earlier ends and says so, the later works, rows are exact', async () => {
  const small = await createSmallBackfill({ rows: 20_000, rowGroupRows: 2_000, chunkRows: 500, pauseMs: 200 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const earlier = startWorker(small, 'worker-1', session)
  await earlier.claimed(48)
  const submitted = small.tidemark('submit', 'small', '--wait', '--json')
  const later = startWorker(small, 'worker-1', session)

  const { code, failure } = await earlier.exited
  expect(code).toBe(8)
  expect(failure?.message).toContain('another worker uses the id "worker-1"')
  expect(failure?.message).toContain('--worker-id')
  await later.claimed(48)
  const { code: submitCode, stderr } = await submitted.ended
  expect(submitCode, stderr).toBe(0)
  expect(await small.sink()).toEqual({ rows: 20_000, distinct: 20_000, wrong: 0 })
  expect(later.lines('joined the worker group').length).toBeLessThan(5)
  expect((await later.stop()).code).toBe(0)
}, 120_000)

import { RetryableError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { askControl } from './ask-control.ts'

/** Whether a run was ever accepted. Throws RetryableError when that cannot be known now. */
export type KnowsRun = (runId: RunId) => Promise<boolean>

const mostRemembered = 10_000
const limitMs = 2_000

/** Looks a run up once: it is accepted before its first task is published, and never unknown afterwards. */
export function createKnownRuns(pool: Pool, schema: string): KnowsRun {
  const known = new Set<RunId>()
  const text = `select 1 from ${quoteIdentifier(schema)}.run where id = $1`
  const look = async (runId: RunId): Promise<boolean> => {
    const { rows } = await askControl(pool, text, [runId])
    if (rows.length === 0) return false
    if (known.size >= mostRemembered) known.clear()
    known.add(runId)
    return true
  }
  return (runId) => (known.has(runId) ? Promise.resolve(true) : inTime(look(runId)))
}

/** Whoever asks holds up a fetch, and with it heartbeats: it asks again rather than wait long. */
async function inTime<Result>(asked: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const message = `the control database did not answer within ${limitMs} ms`
    late.reject(new RetryableError('POSTGRES_UNREACHABLE', message))
  }, limitMs)
  asked.catch(() => {})
  try {
    return await Promise.race([asked, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

import { messageOf } from '../contract/errors.ts'
import { createLeadership } from '../postgres/leadership.ts'
import type { Service } from '../process/service.ts'
import { pause } from '../work/pause.ts'
import { createLiveRuns } from './live-runs.ts'
import { lookAround } from './look-around.ts'
import { type Memory, newMemory, type Supervising, type SupervisorDeps } from './supervising.ts'

const longestRestMs = 30_000

/**
 * Compares plans, checkpoint rows, ledger, intents, committed offsets and open tasks; publishes stranded tasks again, tells
 * ends that the ledger has not heard of, ends what is cancelled, ends runs, and raises alerts. One of many is active. Every
 * action follows from what is stored, so a crash between two of them, or two leaders at once, only does one of them twice.
 * Never writes rows.
 */
export function createSupervisor(given: SupervisorDeps): Service {
  const { pool, schema, log } = given
  const leadership = createLeadership(pool, `tidemark supervisor ${schema}`, log)
  const deps: Supervising = { ...given, leadership, runs: createLiveRuns(pool, schema) }
  const ended = new AbortController()
  let looking: Promise<void> | undefined
  return {
    start: async () => {
      looking ??= keepLooking(deps, ended.signal)
    },
    stop: async () => {
      ended.abort()
      await looking
      await leadership.resign()
    },
  }
}

async function keepLooking(deps: Supervising, signal: AbortSignal): Promise<void> {
  /** Of this lead; undefined: another one leads. */
  let memory: Memory | undefined
  let lastTookMs = 0
  while (!signal.aborted) {
    const began = performance.now()
    try {
      if (await deps.leadership.held()) {
        if (memory === undefined) deps.log.info({}, 'leads the supervisors')
        memory ??= newMemory(began)
        await lookAround(deps, memory, signal)
      } else memory = undefined
    } catch (error) {
      // What others did since the lead was lost, if it was, is not remembered here.
      memory = undefined
      if (!signal.aborted) deps.log.warn({ error: messageOf(error) }, 'could not look at the runs: looks again')
    }
    // Plans of a million partitions must not keep the databases busy with being looked at. One look that took long says
    // no such thing: a server was away.
    const tookMs = performance.now() - began
    const restMs = Math.min(10 * Math.min(tookMs, lastTookMs), longestRestMs)
    lastTookMs = tookMs
    await pause(Math.max(deps.patience.everyMs, restMs), signal)
  }
}

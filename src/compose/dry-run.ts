import type { PlanReport } from '../contract/plan-report.ts'
import { discoverBackfills } from '../define/discover.ts'
import { type DryRunOptions, dryRun } from '../dry-run/dry-run.ts'
import { createRunStore } from '../plan/run-store.ts'
import { codeOf } from '../postgres/classify.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { noMark } from '../process/marks.ts'
import type { SinkTarget } from '../sink/sink.ts'
import { adaptersOf } from './adapters.ts'
import { createPools } from './pools.ts'

const undefinedTable = '42P01'

/** What a start request would do. Needs the databases, no broker and no role; writes nothing but temporary tables. */
export async function dryRunOf(
  config: Config,
  backfill: string,
  options: DryRunOptions,
  log: Log,
  signal: AbortSignal,
): Promise<PlanReport> {
  const discovered = (await discoverBackfills(config.definitionsFolder)).get(backfill)
  const pools = createPools('dry-run', 4 + (options.workers?.slots ?? 0), log)
  try {
    const adapters = adaptersOf(config, pools.open, log, noMark, true)
    const runs = createRunStore(pools.open(config.databaseUrl), config.schema, config.liveRuns)
    // Before the first run of all there are no tables: nobody is live, and nothing was done.
    const deps = {
      source: adapters.source(discovered),
      sink: await adapters.sink(discovered),
      earlier: {
        runsOn: (...of: Parameters<typeof runs.runsOn>) => runs.runsOn(...of).catch(withoutTables([])),
        earlierPartitions: runs.earlierPartitions,
      },
      liveRunOn: (target: SinkTarget) => runs.liveRunOn(target).catch(withoutTables(null)),
      random: Math.random,
    }
    return await dryRun(deps, discovered, options, signal)
  } finally {
    await pools.close()
  }
}

const withoutTables =
  <Nothing>(nothing: Nothing) =>
  (error: unknown): Nothing => {
    if (codeOf(error) === undefinedTable) return nothing
    throw error
  }

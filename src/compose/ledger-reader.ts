import { TerminalError } from '../contract/errors.ts'
import type { BackfillId, RequestKey, RunId } from '../contract/ids.ts'
import type { StartRequest } from '../contract/request.ts'
import { discoverBackfills } from '../define/discover.ts'
import { type RunIntent, runIntent } from '../ledger/intent-queries.ts'
import { listRuns } from '../ledger/query/list-runs.ts'
import { answersOf, liveRunOf, type StoredAnswer } from '../ledger/query/requests.ts'
import { runProgress } from '../ledger/query/run-progress.ts'
import { type RunSummary, runSummary } from '../ledger/query/run-summary.ts'
import type { ListedRun } from '../ledger/query/stored-run.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import { type Log, quietLog } from '../process/log.ts'
import { noMark } from '../process/marks.ts'
import type { StoredCertificate } from '../sink/sink.ts'
import { adaptersOf } from './adapters.ts'
import { control, createPools } from './pools.ts'

/** The record of what happened, read; and what stands in a run's sink. */
export interface LedgerReader {
  /** Those that were archived only if asked for. */
  listRuns(withArchived: boolean): Promise<readonly ListedRun[]>
  /** Null when there is no such run. */
  runSummary(runId: RunId): Promise<RunSummary | null>
  /** What is wanted of a run, and who obeys; null when there is no such run. */
  runIntent(runId: RunId): Promise<RunIntent | null>
  /** The run of this backfill with these params that has not ended; null when there is none. */
  liveRun(backfill: BackfillId, params: StartRequest['params']): Promise<RunId | null>
  /** The newest answer to requests with this key; null while there is none. */
  answerOf(requestKey: RequestKey): Promise<StoredAnswer | null>
  /** Count and content hash of what stands in the run's range of its sink now; null when the sink cannot tell. */
  storedCertificate(runId: RunId): Promise<StoredCertificate | null>
  close(): Promise<void>
}

/** Opens the control database for reading, and makes its tables where there are none yet. */
export async function openLedger(config: Config, log: Log = quietLog): Promise<LedgerReader> {
  const pools = createPools('ledger-reader', 2, log)
  const pool = pools.open(config.databaseUrl)
  const { schema } = config
  try {
    await migrate(pool, { schema, ...control })
  } catch (error) {
    await pools.close()
    throw error
  }
  return {
    listRuns: (withArchived) => listRuns(pool, schema, withArchived),
    runSummary: (runId) => runSummary(pool, schema, runId),
    runIntent: (runId) => runIntent(pool, schema, runId),
    liveRun: async (backfill, params) => (await liveRunOf(pool, schema, backfill, params))?.id ?? null,
    answerOf: async (requestKey) => (await answersOf(pool, schema, requestKey)).at(-1) ?? null,
    storedCertificate: async (runId) => {
      const run = await runProgress(pool, schema, runId)
      if (run === null) throw new TerminalError('NOT_FOUND', `run ${runId} is not known`)
      const definitions = await discoverBackfills(config.definitionsFolder)
      const sink = await adaptersOf(config, pools.open, log, noMark).sink(definitions.get(run.backfill))
      return sink.stored(run.range)
    },
    close: () => pools.close(),
  }
}

import { certifiedRun, createRunArchive, type RunArchive } from '../certify/certified-run.ts'
import { certifyRun, coverRun } from '../certify/certify-run.ts'
import { compareRuns } from '../certify/compare-runs.ts'
import { type CompareOptions, compareTables } from '../certify/compare-tables.ts'
import { TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { CoverageFlaw, RunCertificate, RunsCertificate, TablesCertificate } from '../contract/run-certificate.ts'
import { type DiscoveredBackfill, discoverBackfills } from '../define/discover.ts'
import { admitParams } from '../plan/admit-params.ts'
import type { Run } from '../plan/run.ts'
import { migrate } from '../postgres/migrate.ts'
import { verifyRecordHash } from '../postgres/record-hash.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { noMark } from '../process/marks.ts'
import type { Sink } from '../sink/sink.ts'
import { type Adapters, adaptersOf } from './adapters.ts'
import { control, createPools } from './pools.ts'

export interface CertifyRunOptions {
  readonly runId: RunId
  /** Whether everything is read and transformed again. */
  readonly withSource: boolean
}

/**
 * The certificate of a run. Throws TerminalError (NOT_FOUND) for a run that is not known, (DEFINITION_INVALID) when its
 * definition is not here as it was: other columns have another hash.
 */
export async function certificateOf(
  config: Config,
  { runId, withSource }: CertifyRunOptions,
  log: Log,
  signal: AbortSignal,
): Promise<RunCertificate> {
  return withRun(config, runId, log, async ({ run, archive, discovered, adapters, sink }) => {
    const source = adapters.source(discovered)
    const params = await admitParams(discovered.backfill, run.params)
    const again = { source, sink, backfill: discovered.backfill, params }
    const deps = { sink, again, now: () => new Date() }
    return certifyRun(deps, await certifiedRun(archive, sink, runId), { withSource }, signal)
  })
}

/** What stands of two runs, beside each other. Throws as `certificateOf`, and (PARAMS_INVALID) where they cannot be compared. */
export async function runsCertificateOf(
  config: Config,
  [first, second]: readonly [RunId, RunId],
  log: Log,
  signal: AbortSignal,
): Promise<RunsCertificate> {
  return withRun(config, first, log, (a) =>
    withRun(config, second, log, (b) => compareRuns(a, b, () => new Date(), signal)),
  )
}

export interface Coverage {
  readonly partitions: number
  readonly completed: number
  readonly flaws: readonly CoverageFlaw[]
}

/** Where the completed partitions of a run do not tile its plan. Throws as `certificateOf`. */
export async function coverageOf(config: Config, runId: RunId, log: Log): Promise<Coverage> {
  return withRun(config, runId, log, async ({ run, archive, sink }) => {
    const { spans, flaws } = await coverRun(sink, await certifiedRun(archive, sink, runId))
    return { partitions: run.partitions, completed: spans.filter(({ state }) => state === 'completed').length, flaws }
  })
}

interface FoundRun {
  readonly run: Run
  readonly archive: RunArchive
  readonly discovered: DiscoveredBackfill
  readonly adapters: Adapters
  readonly sink: Sink
}

async function withRun<Result>(
  config: Config,
  runId: RunId,
  log: Log,
  act: (found: FoundRun) => Promise<Result>,
): Promise<Result> {
  const pools = createPools('certify', 4, log)
  try {
    const pool = pools.open(config.databaseUrl)
    await migrate(pool, { schema: config.schema, ...control })
    const archive = createRunArchive(pool, config.schema)
    const run = await archive.run(runId)
    const discovered = (await discoverBackfills(config.definitionsFolder)).get(run.backfill)
    if (discovered.hash !== run.definitionHash)
      throw new TerminalError(
        'DEFINITION_INVALID',
        `run ${runId} was made with definition ${run.definitionHash.slice(0, 12)} of backfill "${run.backfill}", ` +
          `${discovered.file} is ${discovered.hash.slice(0, 12)}: give --definitions a folder that has it as it was`,
      )
    const adapters = adaptersOf(config, pools.open, log, noMark)
    return await act({ run, archive, discovered, adapters, sink: await adapters.sink(discovered) })
  } finally {
    await pools.close()
  }
}

export interface CompareTablesOptions extends Pick<CompareOptions, 'key' | 'columns'> {
  /** As `schema.table`, and the environment variable with the connection string of its database. */
  readonly first: { readonly table: string; readonly database: string }
  readonly second: { readonly table: string; readonly database: string }
}

/** The certificate of two tables. Throws as `compareTables`, and (SINK_NOT_WRITABLE) where a server has another hash. */
export async function tablesCertificateOf(
  config: Config,
  { first, second, key, columns }: CompareTablesOptions,
  log: Log,
  signal: AbortSignal,
): Promise<TablesCertificate> {
  const pools = createPools('certify', 4, log)
  try {
    const sides = [first, second].map(({ table, database }) => ({ table, pool: pools.open(config.database(database)) }))
    const [a, b] = sides
    if (a === undefined || b === undefined) throw new TypeError('two tables are compared')
    for (const pool of new Set(sides.map((side) => side.pool))) await verifyRecordHash(pool)
    return await compareTables(a, b, { key, columns, now: () => new Date() }, signal)
  } finally {
    await pools.close()
  }
}

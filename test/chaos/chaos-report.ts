import Table from 'cli-table3'
import type { Facts } from './facts.ts'
import { percentile, type Recovery } from './recovery.ts'
import { type ChaosOutcome, serverRestart } from './run-chaos.ts'

/** In ms. */
interface Times {
  /** How many were measured: deaths of workers that held partitions. */
  readonly of: number
  readonly p50: number
  readonly p95: number
  readonly max: number
}

interface RecoveryTimes extends Times {
  /** Those of them during which no server was restarted: a broker that comes back begins the session of the dead anew. */
  readonly serversUp: Times
  /** Those of them during which nothing else was done to workers and servers. */
  readonly alone: Times
  /** All of them, each from when the last other fault could be felt no more (`Trouble`). */
  readonly undisturbed: Times
}

export interface ChaosReport {
  readonly seed: number
  readonly kills: number
  readonly freezes: number
  readonly cuts: number
  /** Of parts, by SIGTERM, and of servers. */
  readonly restarts: number
  readonly rows: number
  readonly rowsLost: number
  readonly rowsDoubled: number
  /** Committed under an epoch that was over. */
  readonly staleChunks: number
  readonly runsTerminal: number
  readonly runs: number
  /** From a worker's death until the last of the lanes it worked on runs again, when it is started again at once. */
  readonly recoveryMs: RecoveryTimes
  /** The same when it stays away for longer than its session. */
  readonly lossMs: RecoveryTimes
  /** The same after a SIGTERM. */
  readonly handOverMs: RecoveryTimes
  readonly rowsReadAgain: number
  readonly rowsReadAgainLimit: number
  readonly serverAwayMs: Readonly<Record<'kafka' | 'postgres', readonly number[]>>
  readonly violations: number
}

const timesOf = (values: readonly number[]): Times => ({
  of: values.length,
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  max: percentile(values, 1),
})

const recoveryTimes = (recoveries: readonly Recovery[]): RecoveryTimes => ({
  ...timesOf(recoveries.map(({ ms }) => ms)),
  serversUp: timesOf(
    recoveries.filter(({ amid }) => !amid.some((what) => what.startsWith(serverRestart))).map(({ ms }) => ms),
  ),
  alone: timesOf(recoveries.filter(({ amid }) => amid.length === 0).map(({ ms }) => ms)),
  undisturbed: timesOf(recoveries.map(({ undisturbedMs }) => undisturbedMs)),
})

function staleChunksOf({ audit }: Facts): number {
  let stale = 0
  for (const changes of Map.groupBy(audit, ({ partitionId }) => partitionId).values()) {
    let epoch = 0
    for (const change of changes) {
      if (change.what === 'CHUNK' && change.epoch < epoch) stale += 1
      epoch = Math.max(epoch, change.epoch)
    }
  }
  return stale
}

export function chaosReport(seed: number, outcome: ChaosOutcome): ChaosReport {
  const { facts, done, violations, afterKill, afterLoss, afterStop, awayMs } = outcome
  const sum = (key: 'rows' | 'lost' | 'doubled'): number => facts.sinks.reduce((total, sink) => total + sink[key], 0)
  const terminal = facts.runs.filter(({ state }) => ['completed', 'failed', 'cancelled'].includes(state))
  return {
    ...{ seed, kills: done.kill, freezes: done.freeze, cuts: done.cut, restarts: done.restart + done.server },
    ...{ rows: sum('rows'), rowsLost: sum('lost'), rowsDoubled: sum('doubled'), staleChunks: staleChunksOf(facts) },
    ...{ runsTerminal: terminal.length, runs: facts.world.backfills.length },
    recoveryMs: recoveryTimes(afterKill),
    lossMs: recoveryTimes(afterLoss),
    handOverMs: recoveryTimes(afterStop),
    rowsReadAgain: facts.rowsRead - facts.checkpoints.reduce((total, { counts }) => total + counts.read, 0),
    rowsReadAgainLimit: facts.rowsReadAgainLimit,
    serverAwayMs: awayMs,
    violations: violations.length,
  }
}

export function chaosTable(report: ChaosReport): string {
  const times = ({ of, p50, p95, max }: Times): string => `${p50} / ${p95} / ${max} ms, of ${of}`
  const ms = (all: RecoveryTimes): string =>
    [
      times(all),
      `no server restarted meanwhile: ${times(all.serversUp)}`,
      `nothing else meanwhile: ${times(all.alone)}`,
      `since the last other fault was over and had settled: ${times(all.undisturbed)}`,
    ].join('\n')
  const table = new Table({ style: { head: [], border: [] } })
  table.push(
    ['seed', report.seed],
    ['SIGKILL, SIGSTOP, cuts, restarts', [report.kills, report.freezes, report.cuts, report.restarts].join(', ')],
    ['runs that ended, of', `${report.runsTerminal}, ${report.runs}`],
    ['rows; lost, doubled', `${report.rows}; ${report.rowsLost}, ${report.rowsDoubled}`],
    ['chunks of a stale epoch', report.staleChunks],
    ['lanes run after a SIGKILL (p50 / p95 / max)', ms(report.recoveryMs)],
    ['the same, the worker stays away', ms(report.lossMs)],
    ['lanes run after a SIGTERM', ms(report.handOverMs)],
    ['Kafka was away', report.serverAwayMs.kafka.map((away) => `${away} ms`).join(', ')],
    ['Postgres was away', report.serverAwayMs.postgres.map((away) => `${away} ms`).join(', ')],
    ['rows read again, limit', `${report.rowsReadAgain}, ${report.rowsReadAgainLimit}`],
    ['violations of an invariant', report.violations],
  )
  return table.toString()
}

import type { LedgerReader } from '../../compose.ts'
import { RetryableError } from '../../contract/errors.ts'
import type { RunId } from '../../contract/ids.ts'
import type { StartRequest } from '../../contract/request.ts'
import type { Log } from '../../process/log.ts'
import type { RunProgress } from '../../status/fold-run.ts'
import type { CommandContext } from '../context.ts'
import { claimDevFolder, type DevFolder } from '../dev-folder.ts'
import { EndedWith, exitCodes } from '../exit-code.ts'
import { type RequestOptions, startRequest } from '../request.ts'
import { type AskRunDeps, askRun, resumeRun } from './ask-run.ts'
import { killWorkers } from './kill-workers.ts'
import {
  definitionsFolderOf,
  type LocalSystem,
  type LocalSystemOptions,
  startLocalSystem,
  whenAborted,
} from './local-system.ts'
import { openRequestOf } from './open-request.ts'
import { createParentLog } from './parent-log.ts'
import { createPhases, type Phases } from './phases.ts'
import { findPrepareFile, prepareSink } from './prepare-sink.ts'
import { createProgressView, type ProgressView } from './progress.ts'
import { buildReport, differences, exitCodeOfReport, type Report } from './report.ts'
import { reportText } from './report-text.ts'
import type { RunWatch } from './watch-run.ts'
import { type Within, within } from './within.ts'

const answerLimitMs = 120_000

export interface MainJobOptions extends LocalSystemOptions, RequestOptions {
  readonly killEvery?: number | undefined
  readonly prepare?: string | undefined
  readonly keep?: true | undefined
  readonly json?: true | undefined
}

interface MainJob {
  readonly context: CommandContext
  readonly options: MainJobOptions
  readonly prepareFile: string | undefined
  readonly dev: DevFolder
  readonly log: Log
  readonly phases: Phases
  readonly view: ProgressView
  readonly stop: AbortSignal
}

/**
 * One backfill from nothing to a verified end: servers, topics, roles, the request, the work, the proof. What an
 * earlier start left unfinished is finished. Throws EndedWith unless the run completed and counts and hashes agree.
 */
export async function runMainJob(context: CommandContext, backfill: string, options: MainJobOptions): Promise<void> {
  const stop = context.stopSignal()
  const phases = createPhases(() => performance.now())
  const request = startRequest(backfill, options, context.env['USER'])
  const prepareFile = findPrepareFile(options.prepare, context.cwd, definitionsFolderOf(context, options), backfill)
  const dev = claimDevFolder(context.cwd, `tidemark run ${backfill}`)
  const view = createProgressView(process.stderr, () => performance.now())
  try {
    const log = await createParentLog(context, dev)
    const job: MainJob = { context, options, prepareFile, dev, log, phases, view, stop }
    const system = await startLocalSystem({ context, dev, log, phases, note: view.note }, options, stop)
    let report: Report
    try {
      report = await runOnSystem(job, system, request)
      if (options.keep === true) {
        show(context, report, options)
        view.note(
          'the system stays up for more requests ("tidemark submit" in another terminal); Ctrl-C stops everything',
        )
        await whenAborted(stop)
      }
    } finally {
      await phases.measure('stopMs', () => system.stop())
    }
    if (options.keep !== true) {
      report = { ...report, phasesMs: phases.phasesMs(), totalMs: phases.totalMs() }
      show(context, report, options)
    }
    throwUnlessProven(report)
  } finally {
    dev.release()
  }
}

async function runOnSystem(job: MainJob, system: LocalSystem, wanted: StartRequest): Promise<Report> {
  const { connectClient, openLedger } = await import('../../compose.ts')
  const open = openRequestOf(job.dev.folder, wanted.backfill, wanted.params)
  const following = new AbortController()
  const signal = AbortSignal.any([job.stop, following.signal])
  const roles = system.startRoles()
  // A role that will never serve ends the wait for whatever is waited for.
  const hopeless = roles.all.then(() => new Promise<never>(() => {}))
  hopeless.catch(() => {})
  const stopped = 'stopped by a signal; the next start finishes the run'
  const wait = <T>(work: Promise<T>, limit?: Pick<Within, 'limitMs' | 'late'>): Promise<T> =>
    within(Promise.race([work, hopeless]), { stop: job.stop, stopped, ...limit })
  const connecting = Promise.all([openLedger(system.config, job.log), connectClient(system.config, job.log)])
  try {
    const [ledger, client] = await wait(connecting)
    const live = await ledger.liveRun(wanted.backfill, wanted.params)
    const rowsReadBefore = live === null ? 0 : ((await ledger.runSummary(live))?.totals.rowsRead ?? 0)
    await job.phases.measure('rolesMs', () => wait(roles.planner))
    job.dev.announce(system.env)
    const beganMs = performance.now()
    const asking: AskRunDeps = {
      client,
      ledger,
      open,
      prepare: () => prepare(job, system),
      note: job.view.note,
      signal,
    }
    const watch = await (live === null ? askRun(asking, wanted) : resumeRun(asking, live))
    const late = (): Error =>
      new RetryableError(
        'TIMED_OUT',
        `the planner has not answered the request; its log is ${job.dev.logs}/planner.log`,
      )
    const { runId } = await wait(watch.answered, { limitMs: answerLimitMs, late })
    await wait(Promise.race([watch.planned, watch.ended]))
    const plannedMs = performance.now()
    job.phases.add('planMs', plannedMs - beganMs)
    const ended = await work(job, system, wait(watch.ended), watch.progress)
    job.phases.add('workMs', performance.now() - plannedMs)
    open.forget()
    return await verify(job, system, ledger, wanted.backfill, runId, ended, rowsReadBefore)
  } finally {
    following.abort()
    const opened = await connecting.catch(() => [])
    await Promise.all(opened.map((one) => one.close()))
  }
}

async function prepare({ prepareFile, view, log }: MainJob, { config }: LocalSystem): Promise<void> {
  if (prepareFile === undefined) return
  view.note(`preparing the sink: ${prepareFile}`)
  await prepareSink(prepareFile, config, log)
}

/** Shows the run while it works, and hurts it when asked to. */
async function work(
  { options, view, stop }: MainJob,
  { processes }: LocalSystem,
  ended: Promise<RunProgress>,
  progress: RunWatch['progress'],
): Promise<RunProgress> {
  const over = new AbortController()
  view.start(progress)
  const killing =
    options.killEvery === undefined
      ? Promise.resolve()
      : killWorkers(processes, options.killEvery, Math.random, AbortSignal.any([stop, over.signal]), view.note)
  try {
    return await ended
  } finally {
    over.abort()
    view.stop()
    await killing
  }
}

/** Asks the sink's own server what stands there now, and puts it beside what was sent. */
async function verify(
  { options, phases }: MainJob,
  system: LocalSystem,
  ledger: LedgerReader,
  backfill: string,
  runId: RunId,
  ended: RunProgress,
  rowsReadBefore: number,
): Promise<Report> {
  const stored = await phases.measure('verifyMs', () => ledger.storedCertificate(runId))
  return buildReport({
    runId,
    backfill,
    state: ended.state,
    partitions: ended.partitions ?? 0,
    partitionsFailed: ended.partitionsFailed,
    totals: ended.totals,
    stored,
    rowsReadBefore,
    takeovers: ended.takeovers,
    largestChunkRows: ended.largestChunkRows,
    workers: options.workers,
    slotsPerWorker: system.config.slots,
    usage: system.processes.usage(),
    phasesMs: phases.phasesMs(),
    totalMs: phases.totalMs(),
  })
}

function show({ output }: CommandContext, report: Report, { json }: MainJobOptions): void {
  if (json === true) output.json(report)
  else output.data(reportText(report))
}

function throwUnlessProven(report: Report): void {
  const exitCode = exitCodeOfReport(report)
  if (exitCode === exitCodes.done) return
  const reasons = differences(report)
  throw new EndedWith(
    exitCode,
    reasons.length > 0
      ? `what was sent is not what stands in the sink: ${reasons.join('; ')}`
      : `run ${report.runId} ${report.state}, ${report.partitionsFailed} of ${report.partitions} partitions failed`,
    reasons.length > 0 ? { reasons } : {},
  )
}

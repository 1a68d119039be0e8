import { TerminalError } from '../contract/errors.ts'
import type { PlanReport } from '../contract/plan-report.ts'
import type { StartRequest } from '../contract/request.ts'
import type { AcceptDeps, AskedRun } from './accept-run.ts'
import { reported } from './answer.ts'

export interface ReportDeps extends Pick<AcceptDeps, 'status' | 'now'> {
  /** Throws TerminalError with everything that is wrong at once. */
  dryRun(this: void, request: StartRequest, signal: AbortSignal): Promise<PlanReport>
}

/** Tells what a start request would do, and does nothing. Throws TerminalError with every reason why it would be refused. */
export async function reportPlan(
  { dryRun, status, now }: ReportDeps,
  asked: AskedRun<StartRequest>,
  signal: AbortSignal,
): Promise<void> {
  const unknown = (['follow', 'follows', 'plan'] as const).filter((field) => asked.request[field] !== undefined)
  if (unknown.length > 0) {
    const reasons = unknown.map((field) => `${field}: a dry run takes none`)
    throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons })
  }
  await status.publish([reported(asked, await dryRun(asked.request, signal), now())])
}

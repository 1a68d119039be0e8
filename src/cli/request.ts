import { readFileSync } from 'node:fs'
import { v7 as uuidV7 } from 'uuid'
import { TerminalError } from '../contract/errors.ts'
import { Sha256 } from '../contract/ids.ts'
import { PlanReport } from '../contract/plan-report.ts'
import type { ApprovedPlan, Reprocess, StartRequest } from '../contract/request.ts'
import { parseParams } from './parse-options.ts'

export interface RequestOptions {
  readonly params?: string | undefined
  readonly param?: readonly string[] | undefined
  readonly requestKey?: string | undefined
  readonly plan?: string | undefined
  readonly reprocess?: Reprocess | undefined
  readonly follow?: boolean | undefined
  readonly follows?: string | undefined
}

/** The start request that a command produces. Without a key of the caller's own every call asks for another run. */
export function startRequest(backfill: string, options: RequestOptions, user: string | undefined): StartRequest {
  return {
    version: 1,
    type: 'start',
    requestKey: options.requestKey ?? `${backfill}/${uuidV7()}`,
    backfill,
    params: parseParams(options.params, options.param ?? []),
    ...(options.reprocess === undefined ? {} : { reprocess: options.reprocess }),
    ...(options.follow === undefined ? {} : { follow: options.follow }),
    ...(options.follows === undefined ? {} : { follows: options.follows }),
    ...(options.plan === undefined ? {} : { plan: approvedPlan(options.plan) }),
    ...(user === undefined || user === '' ? {} : { requestedBy: user }),
  }
}

/** Of a plan's id, or of the file with its report. Throws TerminalError (PLAN_INVALID). */
function approvedPlan(idOrFile: string): ApprovedPlan {
  const id = Sha256.safeParse(idOrFile)
  if (id.success) return { id: id.data }
  try {
    const { planId, definitionHash, range, partitions } = PlanReport.parse(JSON.parse(readFileSync(idOrFile, 'utf8')))
    return { id: planId, definitionHash, range, partitions }
  } catch (error) {
    throw new TerminalError(
      'PLAN_INVALID',
      `--plan ${idOrFile} is neither a plan id (64 hexadecimal digits) nor a file that "tidemark plan --json" wrote`,
      { cause: error },
    )
  }
}

/** Collects the values of an option that may be given several times. */
export const collect = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value]

/** Of an option that says what to do of a domain that earlier runs were over. */
export const reprocessText =
  'of what earlier runs were over, only what none of them completed (missing), what they tried and did not complete (failed), or all (default)'

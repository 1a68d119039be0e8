import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartRequest } from '../../contract/request.ts'
import type { Params } from '../parse-options.ts'

/**
 * Remembers a request from before it is produced until its run has ended: a start that was killed before the planner
 * saw the request asks for the same run again, not for a second one.
 */
export interface OpenRequest {
  /** The request of an earlier start, with the same backfill and params, that did not come to its end. */
  readonly earlier: StartRequest | undefined
  remember(request: StartRequest): void
  forget(): void
}

export function openRequestOf(folder: string, backfill: string, params: Params): OpenRequest {
  const requests = join(folder, 'requests')
  const what = createHash('sha256')
    .update(JSON.stringify([backfill, Object.entries(params).sort()]))
    .digest('hex')
  const file = join(requests, `${what.slice(0, 16)}.json`)
  return {
    earlier: readRequest(file),
    remember: (request) => {
      mkdirSync(requests, { recursive: true })
      writeFileSync(file, JSON.stringify(request))
    },
    forget: () => rmSync(file, { force: true }),
  }
}

function readRequest(file: string): StartRequest | undefined {
  try {
    return StartRequest.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

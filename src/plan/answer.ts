import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { RequestKey, RunId, Sha256 } from '../contract/ids.ts'
import type { PlanReport } from '../contract/plan-report.ts'
import type { RequestMessage } from '../contract/request.ts'
import type { RequestAnswer, StatusEvent } from '../contract/status.ts'

const sha256 = (content: string | Buffer): Sha256 => createHash('sha256').update(content).digest('hex')

/** Hash of a request as sent: of its canonical JSON, or of its bytes when they are no JSON. Finds the answer to a request. */
export function requestHashOf(json: unknown, bytes: Buffer): Sha256 {
  if (json === undefined) return sha256(bytes)
  try {
    return sha256(canonicalize(json) ?? bytes)
  } catch {
    // 1e999 and lone surrogates parse as JSON and have no canonical form.
    return sha256(bytes)
  }
}

/** Hash of what a request asks for, whoever asks: what a request key is bound to. */
export function bodyHashOf({ requestKey: _key, requestedBy: _by, ...body }: RequestMessage): Sha256 {
  return sha256(canonicalize(body) ?? '')
}

/** A request whose answer is due. `requestKey` is null when the message was so broken that it had none. */
export interface AskedRequest {
  readonly requestKey: RequestKey | null
  readonly requestHash: Sha256
}

export function accepted({ requestKey, requestHash }: AskedRequest, runId: RunId, now: Date): RequestAnswer {
  return { version: 1, type: 'request.accepted', requestKey, requestHash, runId, at: now.toISOString() }
}

export function duplicate({ requestKey, requestHash }: AskedRequest, runId: RunId, now: Date): RequestAnswer {
  return { version: 1, type: 'request.duplicate', requestKey, requestHash, runId, at: now.toISOString() }
}

export function rejected(
  { requestKey, requestHash }: AskedRequest,
  reasons: readonly string[],
  now: Date,
): RequestAnswer {
  return {
    version: 1,
    type: 'request.rejected',
    requestKey,
    requestHash,
    reasons: shortened(reasons),
    at: now.toISOString(),
  }
}

export function reported({ requestKey, requestHash }: AskedRequest, report: PlanReport, now: Date): StatusEvent {
  return { version: 1, type: 'request.reported', requestKey, requestHash, report, at: now.toISOString() }
}

const [mostReasons, longestReason] = [50, 2_000]

/** A message must fit its topic, whatever somebody sent us. */
function shortened(reasons: readonly string[]): string[] {
  const kept = reasons
    .slice(0, mostReasons)
    .map((reason) => (reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason))
  return reasons.length > mostReasons ? [...kept, `and ${reasons.length - mostReasons} more`] : kept
}

import type { RunId } from '../contract/ids.ts'
import { idNamespace } from '../status/event-id.ts'
import { namedUuid } from '../status/named-uuid.ts'

export interface EventContext {
  /** What the event is about, unique among the facts of the system: equal identities give equal `ce_id`. */
  readonly identity: string
  /** Without the reverse domain: partition.completed. */
  readonly type: string
  /** The process that tells it: worker/worker-1. */
  readonly source: string
  readonly subject: string
  /** RFC 3339. */
  readonly time: string
  readonly contentType: string
  readonly runId: RunId | undefined
}

/**
 * CloudEvents 1.0 in Kafka's binary mode, and the W3C trace context. A run is one trace: its id is the trace id, so
 * every message of a run joins the same trace without anybody carrying state.
 */
export function eventHeaders(context: EventContext): Record<string, string> {
  const id = namedUuid(context.identity, idNamespace)
  return {
    'content-type': context.contentType,
    ce_specversion: '1.0',
    ce_id: id,
    ce_type: `dev.tidemark.${context.type}.v1`,
    ce_source: `/tidemark/${context.source}`,
    ce_subject: context.subject,
    ce_time: context.time,
    traceparent: `00-${hex(context.runId ?? id)}-${hex(id).slice(16)}-01`,
  }
}

const hex = (uuid: string): string => uuid.replaceAll('-', '')

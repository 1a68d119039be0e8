import type { AlertEvent } from '../../contract/status.ts'
import type { Told } from '../placed-event.ts'
import { firstTold } from './run-record.ts'

type Raised = Extract<AlertEvent, { type: 'alert.raised' }>
type Resolved = Extract<AlertEvent, { type: 'alert.resolved' }>

/** One occurrence of an alert: open when it was raised and is not resolved. */
export interface AlertRecord {
  readonly alertId: string
  readonly raised: ({ readonly event: Raised } & Told) | null
  readonly resolved: ({ readonly event: Resolved } & Told) | null
}

export function alertRecord(event: AlertEvent, offset: string): AlertRecord {
  const { alertId, at } = event
  return event.type === 'alert.raised'
    ? { alertId, raised: { event, at, offset }, resolved: null }
    : { alertId, raised: null, resolved: { event, at, offset } }
}

export function mergedAlert(a: AlertRecord | undefined, b: AlertRecord): AlertRecord {
  if (a === undefined) return b
  return { ...a, raised: firstTold(a.raised, b.raised), resolved: firstTold(a.resolved, b.resolved) }
}

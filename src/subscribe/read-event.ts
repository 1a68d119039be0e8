import { z } from 'zod'
import { StatusEvent } from '../contract/status.ts'

export type EventType = StatusEvent['type']

/** Every type of event, in the order of the contract. */
export const eventTypes: readonly EventType[] = StatusEvent.options.flatMap(
  ({ shape: { type } }): readonly EventType[] => (type instanceof z.ZodEnum ? type.options : [...type.values]),
)

const known: ReadonlySet<string> = new Set(eventTypes)

/** Records that were left out: not what the topic carries, or told by a newer version than this one. */
export interface Skipped {
  malformed: number
  newer: number
}

/** The event in a value, or why it is left out. Fields that are not known are dropped. */
export function readStatusEvent(json: unknown): StatusEvent | keyof Skipped {
  const event = StatusEvent.safeParse(json)
  if (event.success) return event.data
  return isNewer(json) ? 'newer' : 'malformed'
}

function isNewer(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { version, type } = json as { version?: unknown; type?: unknown }
  if (typeof version !== 'number' || typeof type !== 'string') return false
  return version > 1 || (version === 1 && !known.has(type))
}

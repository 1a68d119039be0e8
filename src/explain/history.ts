import { type PartitionEvent, partitionEventRank, type StatusEvent } from '../contract/status.ts'

/** What was told, in the order in which it happened. */
export interface History {
  readonly events: readonly StatusEvent[]
  /** Of the partition's own life, from claim to end. */
  readonly own: readonly PartitionEvent[]
  /** The newest of them; undefined: nobody ever claimed it. */
  readonly newest: PartitionEvent | undefined
  /** Own events by hold, in order. */
  readonly holds: readonly Hold[]
}

/** One worker's hold on the partition. */
export interface Hold {
  readonly epoch: number
  readonly worker: string
  readonly events: readonly PartitionEvent[]
}

/**
 * Orders events: those of the partition's life by epoch and sequence, whatever the clocks of their workers said, and the
 * others between them by time.
 */
export function historyOf(told: readonly StatusEvent[]): History {
  const own = told.filter(isOwn).sort(compareOwn)
  const others = told.filter((event) => !isOwn(event)).sort((a, b) => msOf(a) - msOf(b))
  const events: StatusEvent[] = []
  let next = 0
  for (const event of own) {
    for (let other = others[next]; other !== undefined && msOf(other) < msOf(event); other = others[next]) {
      events.push(other)
      next += 1
    }
    events.push(event)
  }
  events.push(...others.slice(next))
  return { events, own, newest: own.at(-1), holds: holdsOf(own) }
}

const isOwn = (event: StatusEvent): event is PartitionEvent => 'epoch' in event

/** Milliseconds since 1970. */
export const msOf = ({ at }: Pick<StatusEvent, 'at'>): number => Date.parse(at)

const compareOwn = (a: PartitionEvent, b: PartitionEvent): number =>
  a.epoch - b.epoch || a.sequence - b.sequence || partitionEventRank[a.type] - partitionEventRank[b.type]

function holdsOf(own: readonly PartitionEvent[]): readonly Hold[] {
  const holds: { epoch: number; worker: string; events: PartitionEvent[] }[] = []
  for (const event of own) {
    // Epoch 0: it was cancelled before anybody had it.
    if (event.epoch === 0) continue
    const last = holds.at(-1)
    if (last?.epoch === event.epoch) last.events.push(event)
    else holds.push({ epoch: event.epoch, worker: event.worker, events: [event] })
  }
  return holds
}

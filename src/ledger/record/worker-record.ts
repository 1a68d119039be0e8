import type { WorkerId } from '../../contract/ids.ts'
import type { WorkerEvent } from '../../contract/status.ts'
import { compareTold, type Told } from '../placed-event.ts'

type WorkerTold = Exclude<WorkerEvent, { type: 'worker.lost' }>
type WorkerLost = Extract<WorkerEvent, { type: 'worker.lost' }>

/** One process of a worker: the newest it said of itself, and that it was given up, which it may contradict later. */
export interface WorkerRecord {
  readonly worker: WorkerId
  readonly instance: string
  readonly newest: ({ readonly event: WorkerTold; readonly rank: number } & Told) | null
  readonly lost: ({ readonly event: WorkerLost } & Told) | null
  /** When it was first spoken of. */
  readonly firstHeardAt: string
  /** When it last spoke. */
  readonly lastHeardAt: string | null
}

/** Between events of equal sequence the later of the process's life wins. */
const workerEventRank = {
  'worker.started': 0,
  'worker.alive': 1,
  'worker.stopped': 2,
} as const satisfies Record<WorkerTold['type'], number>

export const workerKey = ({ worker, instance }: Pick<WorkerRecord, 'worker' | 'instance'>): string =>
  `${worker}/${instance}`

export function workerRecord(event: WorkerEvent, offset: string): WorkerRecord {
  const { worker, instance, at } = event
  return event.type === 'worker.lost'
    ? { worker, instance, newest: null, lost: { event, at, offset }, firstHeardAt: at, lastHeardAt: null }
    : {
        ...{ worker, instance, lost: null, firstHeardAt: at, lastHeardAt: at },
        newest: { event, rank: workerEventRank[event.type], at, offset },
      }
}

export function mergedWorker(a: WorkerRecord | undefined, b: WorkerRecord): WorkerRecord {
  if (a === undefined) return b
  return {
    ...a,
    newest: later(a.newest, b.newest, (fact) => [fact.event.sequence, fact.rank]),
    lost: later(a.lost, b.lost, (fact) => [fact.event.sequence, 0]),
    firstHeardAt: a.firstHeardAt < b.firstHeardAt ? a.firstHeardAt : b.firstHeardAt,
    lastHeardAt: (a.lastHeardAt ?? '') > (b.lastHeardAt ?? '') ? a.lastHeardAt : b.lastHeardAt,
  }
}

/** The greater place in the process's life; of one place, what was told first. */
function later<Fact extends Told>(
  a: Fact | null,
  b: Fact | null,
  placeOf: (fact: Fact) => readonly [sequence: number, rank: number],
): Fact | null {
  if (a === null || b === null) return a ?? b
  const [[sequenceA, rankA], [sequenceB, rankB]] = [placeOf(a), placeOf(b)]
  const order = sequenceA - sequenceB || rankA - rankB || compareTold(b, a)
  return order < 0 ? b : a
}

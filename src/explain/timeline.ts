import type { RunChanges, StatusEvent } from '../contract/status.ts'
import { countText, durationText } from '../status/number-text.ts'
import { type History, msOf } from './history.ts'

/** One thing that happened. */
export interface TimelineLine {
  readonly at: string
  /** Since the line before; null: it is the first. */
  readonly sinceMs: number | null
  readonly text: string
  /** What a chunk took from the source; null: it is no chunk. */
  readonly chunkRows: number | null
}

/** What happened, line by line. */
export function timelineOf({ events }: History): readonly TimelineLine[] {
  const lines: TimelineLine[] = []
  let before: StatusEvent | undefined
  /** Of the partition's own life. */
  let own: OwnEvent | undefined
  for (const event of events) {
    lines.push({
      at: event.at,
      sinceMs: before === undefined ? null : Math.max(0, msOf(event) - msOf(before)),
      text: 'epoch' in event ? ownText(event, own) : otherText(event),
      chunkRows: event.type === 'partition.progressed' ? rowsSince(event, own) : null,
    })
    before = event
    if ('epoch' in event) own = event
  }
  return lines
}

type OwnEvent = Extract<StatusEvent, { epoch: number }>

function ownText(event: OwnEvent, before: OwnEvent | undefined): string {
  switch (event.type) {
    case 'partition.claimed':
      return claimText(event, before)
    case 'partition.progressed': {
      const { readMs, transformMs, writeMs } = event.timings
      const stages = `read ${durationText(readMs)}, transform ${durationText(transformMs)}, write ${durationText(writeMs)}`
      const first = Math.min((before?.sequence ?? 0) + 1, event.sequence)
      // What was told of those before it was lost.
      const chunks = first === event.sequence ? `chunk ${first}` : `chunks ${first} to ${event.sequence}`
      const rejected = event.totals.rowsRejected - (before?.totals.rowsRejected ?? 0)
      return `${chunks}: ${rowsText(rowsSince(event, before))}${rejected > 0 ? `, ${countText(rejected)} rejected` : ''}; ${stages}`
    }
    case 'partition.completed': {
      const { rowsRead, rowsWritten, rowsFiltered, rowsRejected } = event.totals
      return `completed: ${rowsText(rowsRead)} read, ${countText(rowsWritten)} written, ${countText(rowsFiltered)} left out, ${countText(rowsRejected)} rejected`
    }
    case 'partition.failed':
      return `failed after ${timesText(event.attempts, 'attempt')}: ${event.reason}: ${event.message}`
    case 'partition.cancelled':
      return event.epoch === 0 ? 'cancelled before anybody claimed it' : 'cancelled'
  }
}

function claimText(event: OwnEvent, before: OwnEvent | undefined): string {
  const where = `epoch ${event.epoch}, task in topic partition ${event.topicPartition}`
  if (before === undefined || before.epoch === event.epoch) return `claimed by ${event.worker} (${where})`
  const silence = durationText(Math.max(0, msOf(event) - msOf(before)))
  return before.worker === event.worker
    ? `claimed again by ${event.worker}, ${silence} after it was last heard of (${where})`
    : `taken over from ${before.worker} by ${event.worker}, after ${silence} of silence (${where})`
}

/** Totals are the partition's, whoever worked on it before. */
const rowsSince = (event: OwnEvent, before: OwnEvent | undefined): number =>
  Math.max(0, event.totals.rowsRead - (before?.totals.rowsRead ?? 0))

function otherText(event: Exclude<StatusEvent, OwnEvent>): string {
  switch (event.type) {
    case 'run.planned':
      return `its run was planned: ${timesText(event.partitions, 'partition')}`
    case 'run.queued':
      return `its run waits at place ${event.position} of the queue`
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return `its run ${event.state}${event.reason === undefined ? '' : `: ${event.reason}`}`
    case 'run.paused':
    case 'run.resumed':
    case 'run.cancelling':
      return `its run was ${intentWords[event.type]}${byText(event)}`
    case 'partition.paused':
    case 'partition.resumed':
    case 'partition.cancelling':
      return `${intentWords[event.type]}${byText(event)}`
    case 'run.tuned':
      return `its run was tuned${byText(event)}: ${changesText(event.changes)}`
    case 'run.archived':
      return `its run was archived${byText(event)}`
    case 'partition.republished':
      return `its task was published again: ${event.message}`
    case 'alert.raised':
      return `alert (${event.severity}): ${event.message}`
    case 'alert.resolved':
      return `the alert is over: ${event.message}`
    case 'repair.made':
      return `mended by the supervisor: ${event.message}`
    case 'intent.acknowledged':
      return `${event.worker} obeys: the run is to be ${event.intent}`
    default:
      return event.type
  }
}

const intentWords = {
  'run.paused': 'paused',
  'run.resumed': 'resumed',
  'run.cancelling': 'told to be cancelled',
  'partition.paused': 'paused',
  'partition.resumed': 'resumed',
  'partition.cancelling': 'told to be cancelled',
} as const

/** by ana (the database is busy) */
export function byText({ requestedBy, reason }: { requestedBy: string | null; reason: string | null }): string {
  return `${requestedBy === null ? '' : ` by ${requestedBy}`}${reason === null ? '' : ` (${reason})`}`
}

const changesText = (changes: RunChanges): string =>
  Object.entries(changes)
    .map(([name, change]) => `${name} ${limitText(change?.from)} → ${limitText(change?.to)}`)
    .join(', ')

const limitText = (limit: number | null | undefined): string =>
  typeof limit === 'number' ? countText(limit) : 'as defined'

export const rowsText = (rows: number): string => timesText(rows, 'row')

/** 1 row, 2 rows */
export const timesText = (count: number, what: string): string => `${countText(count)} ${what}${count === 1 ? '' : 's'}`

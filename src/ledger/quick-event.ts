import type { Totals } from '../contract/certificate.ts'
import { KeyKind, type KeyRange } from '../contract/range.ts'
import type { PartitionEvent, StageTimings } from '../contract/status.ts'
import { inMicros } from './instant-text.ts'

/**
 * The events of which there are millions, checked by hand in a fifth of the time that their schema takes: the same event,
 * or undefined for all that is not plainly right. Then the schema decides, and says what is wrong.
 */
export function quickEvent(json: unknown): PartitionEvent | undefined {
  const told = json as Readonly<Record<string, unknown>> | null
  if (typeof told !== 'object' || told === null) return undefined
  const { version, type, at, runId, backfill, partitionId, index, epoch, sequence, cursor, worker, topicPartition } =
    told
  const totals = quickTotals(told['totals'])
  if (
    version !== 1 ||
    totals === undefined ||
    !isInstant(at) ||
    !matches(uuid, runId) ||
    !matches(uuid, partitionId) ||
    !matches(backfillId, backfill) ||
    !matches(workerId, worker) ||
    !isCount(index) ||
    !isCount(epoch) ||
    !isCount(sequence) ||
    !isCount(topicPartition) ||
    !isCursor(cursor)
  )
    return undefined
  const of: Omit<PartitionEvent, 'type'> = {
    version: 1,
    at: inMicros(at),
    runId,
    backfill,
    partitionId,
    index,
    epoch,
    sequence,
    cursor,
    totals,
    worker,
    topicPartition,
  }
  switch (type) {
    case 'partition.claimed': {
      const range = quickRange(told['range'])
      return range === undefined ? undefined : { ...of, type, range }
    }
    case 'partition.progressed': {
      const timings = quickTimings(told['timings'])
      return timings === undefined ? undefined : { ...of, type, timings }
    }
    case 'partition.completed':
    case 'partition.cancelled':
      return { ...of, type }
    default:
      return undefined
  }
}

// Somewhat narrower than the schemas of the contract: what only they let in is rare, and for them to see.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const backfillId = /^(?=.{1,100}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const workerId = /^[A-Za-z0-9._-]{1,100}$/
const wholeNumber = /^(?:0|[1-9][0-9]{0,99})$/
const instant = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.(?:\d{3}|\d{6})Z$/

const matches = (pattern: RegExp, value: unknown): value is string => typeof value === 'string' && pattern.test(value)
const isInstant = (value: unknown): value is string => matches(instant, value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isCursor = (value: unknown): value is string | null =>
  value === null || (typeof value === 'string' && value.length > 0 && value.length <= 512)
const isBound = (value: unknown): value is string => typeof value === 'string' && value.length <= 512

function quickTotals(json: unknown): Totals | undefined {
  const told = json as Readonly<Record<string, unknown>> | null
  if (typeof told !== 'object' || told === null) return undefined
  const { rowsRead, rowsWritten, rowsFiltered, rowsRejected, chunks, contentHash } = told
  return isCount(rowsRead) &&
    isCount(rowsWritten) &&
    isCount(rowsFiltered) &&
    isCount(rowsRejected) &&
    isCount(chunks) &&
    matches(wholeNumber, contentHash)
    ? { rowsRead, rowsWritten, rowsFiltered, rowsRejected, chunks, contentHash }
    : undefined
}

const kinds: ReadonlySet<unknown> = new Set(KeyKind.options)

function quickRange(json: unknown): KeyRange | undefined {
  const told = json as Readonly<Record<string, unknown>> | null
  if (typeof told !== 'object' || told === null) return undefined
  const { kind, from, to } = told
  return kinds.has(kind) && isBound(from) && isBound(to) ? { kind: kind as KeyRange['kind'], from, to } : undefined
}

function quickTimings(json: unknown): StageTimings | undefined {
  const told = json as Readonly<Record<string, unknown>> | null
  if (typeof told !== 'object' || told === null) return undefined
  const { readMs, transformMs, writeMs } = told
  return Number.isFinite(readMs) && Number.isFinite(transformMs) && Number.isFinite(writeMs)
    ? ({ readMs, transformMs, writeMs } as StageTimings)
    : undefined
}

import type { PinnedBounds, PinnedOffsets } from '../contract/plan.ts'
import type { KeyRange } from '../contract/range.ts'
import { keyKindOf } from './cut.ts'

/** The pinned domain as one range. */
export function rangeOf(bounds: PinnedBounds): KeyRange {
  switch (bounds.kind) {
    case 'rows':
      return { kind: 'integer', from: '0', to: String(rowsOf(bounds.files)) }
    case 'bytes':
      return { kind: 'integer', from: '0', to: String(sum(bounds.files.map(({ bytes }) => bytes))) }
    case 'offsets':
      return { kind: 'integer', from: '0', to: String(offsetsOf(bounds.topicPartitions)) }
    case 'integer':
    case 'time':
    case 'uuid':
    case 'key':
      return { kind: keyKindOf(bounds), from: bounds.from, to: bounds.to }
  }
}

/** Rows in the pinned domain, when the source knows; of a topic the offsets, of which some may have no record. */
export function estimatedRowsOf(bounds: PinnedBounds): number | null {
  switch (bounds.kind) {
    case 'rows':
      return rowsOf(bounds.files)
    case 'bytes':
      return sum(bounds.files.map(({ estimatedRows }) => estimatedRows))
    case 'offsets':
      return Number(offsetsOf(bounds.topicPartitions))
    case 'integer':
    case 'time':
    case 'uuid':
    case 'key':
      return bounds.estimatedRows
  }
}

const rowsOf = (files: Extract<PinnedBounds, { kind: 'rows' }>['files']): number =>
  sum(files.flatMap(({ rowGroups }) => rowGroups))

const offsetsOf = (topicPartitions: readonly PinnedOffsets[]): bigint =>
  topicPartitions.reduce((total, { from, to }) => total + BigInt(to) - BigInt(from), 0n)

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

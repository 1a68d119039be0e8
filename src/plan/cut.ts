import { TerminalError } from '../contract/errors.ts'
import type { NumberedBounds, PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import type { KeyKind } from '../contract/range.ts'
import { type PartitionBy, usualListSize } from '../define/partition-by.ts'
import { cutAsTold } from './cut-as-told.ts'
import { cutBlocks } from './cut-blocks.ts'
import { cutBytes } from './cut-bytes.ts'
import { cutHashRing } from './cut-hash-ring.ts'
import { cutKeyRanges } from './cut-key-ranges.ts'
import { cutList } from './cut-list.ts'
import { cutOffsets } from './cut-offsets.ts'
import { cutQuantiles } from './cut-quantiles.ts'
import { cutRowGroups } from './cut-row-groups.ts'
import { cutRows } from './cut-rows.ts'
import { cutSteps } from './cut-steps.ts'
import { cutTimeWindows } from './cut-time-windows.ts'
import { locatorOf } from './locator-of.ts'
import { selectedPieces } from './selected-pieces.ts'

/** What the bounds of these partitions count in. */
export function keyKindOf(bounds: PinnedBounds): KeyKind {
  return 'from' in bounds ? bounds.kind : 'integer'
}

/**
 * The partitions of a pinned domain, in order, one at a time: half-open ranges that do not overlap and leave nothing
 * out but what the bounds say is not to be done, the same for the same arguments. An empty domain is one partition whose
 * `from` equals its `to`.
 * Throws TerminalError (PLAN_INVALID) naming what cannot be cut.
 */
export function* cut(bounds: PinnedBounds, partitionBy: PartitionBy): Generator<PlannedPartition> {
  let index = 0
  for (const piece of selectedPieces(bounds, pieces(bounds, partitionBy))) yield { index: index++, ...piece }
  if (index === 0 && bounds.only === undefined) yield { index, ...emptyDomain(bounds) }
}

function pieces(bounds: PinnedBounds, by: PartitionBy): Generator<Omit<PlannedPartition, 'index'>> {
  if (by.kind === 'rowGroup' && bounds.kind === 'rows') return cutRowGroups(bounds)
  if (by.kind === 'rows' && bounds.kind === 'rows') return cutRows(bounds, by.rows)
  if (by.kind === 'bytes' && bounds.kind === 'bytes') return cutBytes(bounds, by.bytes)
  if (by.kind === 'offsets' && bounds.kind === 'offsets') return cutOffsets(bounds, by.records)
  if (by.kind === 'time' && bounds.kind === 'time') return cutTimeWindows(bounds, by)
  if (by.kind === 'key' && (bounds.kind === 'integer' || bounds.kind === 'uuid')) return cutKeyRanges(bounds, by.size)
  if (by.kind === 'hash' && bounds.kind === 'integer') return cutHashRing(bounds, by.partitions)
  // A retry of keys is such a list, however its backfill is cut.
  if (bounds.kind === 'key' && bounds.values !== undefined)
    return cutList(bounds, by.kind === 'list' ? by.size : usualListSize)
  if (by.kind === 'blocks' && bounds.kind === 'blocks') return cutBlocks(bounds, by.rows)
  if (by.kind === 'custom' && isNumbered(bounds)) return cutAsTold(bounds, by.ranges)
  if (by.kind === 'quantiles' || by.kind === 'auto') {
    if (bounds.kind === 'key') return cutSteps(bounds, by.rows)
    if (isNumbered(bounds)) return cutQuantiles(bounds, by.rows)
  }
  throw new TerminalError('PLAN_INVALID', `partitionBy "${by.kind}" cannot cut bounds of kind "${bounds.kind}"`)
}

function emptyDomain(bounds: PinnedBounds): Omit<PlannedPartition, 'index'> {
  return 'from' in bounds
    ? { from: bounds.from, to: bounds.from, locator: locatorOf(bounds), estimatedRows: 0 }
    : { from: '0', to: '0', locator: null, estimatedRows: 0 }
}

const isNumbered = (bounds: PinnedBounds): bounds is NumberedBounds => 'column' in bounds

import type { PinnedBounds, PinnedOffsets } from '../contract/plan.ts'
import type { KeyRange } from '../contract/range.ts'
import { locatorOf } from './locator-of.ts'

/** The pinned domain as one range. */
export function rangeOf(bounds: PinnedBounds): KeyRange {
  switch (bounds.kind) {
    case 'rows':
      return { kind: 'integer', from: '0', to: String(rowsOf(bounds.files)) }
    case 'bytes':
      return { kind: 'integer', from: '0', to: String(sum(bounds.files.map(({ bytes }) => bytes))) }
    case 'offsets':
      return { kind: 'integer', from: '0', to: String(offsetsOf(bounds.topicPartitions)) }
    case 'blocks':
      return { kind: 'integer', from: '0', to: String(bounds.blocks) }
    case 'integer':
    case 'time':
    case 'uuid':
    case 'key':
      return { kind: bounds.kind, from: bounds.from, to: bounds.to }
  }
}

/** A pinned domain without what is only believed of it: statistics that were brought up to date give the same plan. */
export function domainOf(bounds: PinnedBounds): object {
  switch (bounds.kind) {
    case 'rows':
    case 'offsets':
      return bounds
    case 'bytes':
      return {
        ...{ kind: bounds.kind, ...onlyOf(bounds) },
        files: bounds.files.map(({ path, bytes, modifiedMs, starts }) => ({ path, bytes, modifiedMs, starts })),
      }
    case 'blocks': {
      const { kind, blocks, beforeXid, filenode } = bounds
      return { kind, blocks, beforeXid, filenode, ...onlyOf(bounds) }
    }
    case 'key':
    case 'integer':
    case 'time':
    case 'uuid':
      return {
        kind: bounds.kind,
        ...locatorOf(bounds),
        from: bounds.from,
        to: bounds.to,
        ...listOf(bounds),
        ...onlyOf(bounds),
      }
  }
}

const listOf = (bounds: PinnedBounds): object =>
  bounds.kind === 'key' && bounds.values !== undefined ? { values: bounds.values } : {}

const onlyOf = ({ only }: PinnedBounds): object => (only === undefined ? {} : { only })

const rowsOf = (files: Extract<PinnedBounds, { kind: 'rows' }>['files']): number =>
  sum(files.flatMap(({ rowGroups }) => rowGroups))

const offsetsOf = (topicPartitions: readonly PinnedOffsets[]): bigint =>
  topicPartitions.reduce((total, { from, to }) => total + BigInt(to) - BigInt(from), 0n)

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

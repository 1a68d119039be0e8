import { codeOf } from '../postgres/classify.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { TopicRange } from '../status/topic-history.ts'
import { offsetsText } from './as-of.ts'
import { type LedgerHash, ledgerHash } from './ledger-hash.ts'
import { storedOffsets } from './topic-partition.ts'

/** What the ledger of the system said at one moment, and how far it had read by then. */
export interface LiveStand {
  /** By topic partition, as far as anything was read of it. */
  readonly next: ReadonlyMap<number, bigint>
  readonly ledger: LedgerHash
}

/** How it compares with what was rebuilt up to the same offsets. */
export type Comparison =
  | { readonly equal: true; readonly asOf: string }
  /** Tables that differ. */
  | { readonly equal: false; readonly asOf: string; readonly hash: string; readonly tables: readonly string[] }
  | { readonly equal: null; readonly why: string }

/**
 * Reads both in one snapshot, for a ledger writer goes on meanwhile. The pool has one connection, so that everything
 * that is asked of it is asked in the one transaction. Null: there is no ledger in the schema.
 */
export async function standOf(
  poolOfOne: Pool,
  schema: string,
  topic: string,
  topicPartitions: readonly number[],
): Promise<LiveStand | null> {
  await query(poolOfOne, 'begin isolation level repeatable read read only')
  try {
    const stored = await storedOffsets(poolOfOne, schema, topic, topicPartitions)
    const next = new Map([...stored].map(([topicPartition, offset]) => [topicPartition, BigInt(offset)]))
    return { next, ledger: await ledgerHash(poolOfOne, schema) }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  } finally {
    await query(poolOfOne, 'rollback')
  }
}

/** What of the ranges the live ledger has read; null when it has read more than that of one. */
export function readByLive(ranges: readonly TopicRange[], { next }: LiveStand): readonly TopicRange[] | null {
  const read = ranges.map((range) => ({ ...range, to: next.get(range.topicPartition) ?? range.from }))
  return read.every(({ from, to }, at) => from <= to && to <= (ranges[at]?.to ?? 0n)) ? read : null
}

/** Its offsets as `--as-of` takes them. */
export const standText = ({ next }: LiveStand): string =>
  offsetsText(
    [...next]
      .map(([topicPartition, to]) => ({ topicPartition, to }))
      .sort((a, b) => a.topicPartition - b.topicPartition),
  )

/** Compares a live ledger with what was rebuilt of the ranges that it has read. */
export function compareWithLive(live: LiveStand, ranges: readonly TopicRange[], rebuilt: LedgerHash): Comparison {
  const asOf = offsetsText(ranges)
  const { hash, tables } = live.ledger
  if (hash === rebuilt.hash) return { equal: true, asOf }
  if (ranges.some(({ from }) => from > 0n))
    return { equal: null, why: 'it differs, as it must: retention has removed the first records of the topic' }
  const differing = Object.keys(tables).filter((table) => tables[table]?.hash !== rebuilt.tables[table]?.hash)
  return { equal: false, asOf, hash, tables: differing }
}

const missing: ReadonlySet<string> = new Set(['42P01', '3F000'])
/** No such table, or schema. */
export const isMissing = (error: unknown): boolean => missing.has(codeOf(error) ?? '')

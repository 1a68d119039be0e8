// Reads: the status topic as it lies there. Writes: the ledger tables of one schema, by the ledger writer itself.
// On a crash: what was written stays, and the schema is refused until it was dropped. Never: a dead letter, an offset of
// a group, or a table besides the ledger's.
import { codeOf } from '../postgres/classify.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { quietLog } from '../process/log.ts'
import type { RecordFeed } from '../status/record-feed.ts'
import type { TopicHistory, TopicRange } from '../status/topic-history.ts'
import { type AsOf, offsetsText, rangesUpTo, requireTime } from './as-of.ts'
import { type LedgerHash, ledgerHash } from './ledger-hash.ts'
import { createLedgerWriter } from './ledger-writer.ts'
import { storedOffsets } from './record-events.ts'

/** A ledger's tables, and the topic that they are of. */
export interface LedgerPlace {
  readonly pool: Pool
  readonly schema: string
  /** The status topic. */
  readonly topic: string
}

/** What the ledger writer took in. */
export interface Taken {
  readonly records: number
  /** Records that are no events, or that Postgres cannot store. */
  readonly refused: number
  /** The first ten of them. */
  readonly firstRefused: readonly {
    readonly topicPartition: number
    readonly offset: string
    readonly reason: string
  }[]
}

const namedRefusals = 10

/** What is to be read to stand at a place; null: the end as it is now. Throws as `rangesUpTo` and `requireTime`, and as the history. */
export async function rangesAsOf(
  history: TopicHistory,
  asOf: AsOf | null,
  now: Date,
  signal: AbortSignal,
): Promise<readonly TopicRange[]> {
  const kept = await history.offsets()
  if (asOf === null) return kept
  if (asOf.kind !== 'time') return rangesUpTo(history.topic, kept, asOf)
  const firstAt = new Map<number, Date>()
  for (const range of kept) {
    const first = range.from > 0n ? await history.firstAt(range, signal) : null
    if (first !== null) firstAt.set(range.topicPartition, first)
  }
  requireTime(history.topic, kept, asOf.at, { now, firstAt })
  const next = await history.offsetsAt(asOf.at)
  return kept.map(({ topicPartition, from, to }) => {
    const at = next.get(topicPartition) ?? to
    return { topicPartition, from, to: at < from ? from : at > to ? to : at }
  })
}

/** Whether something stands in the ledger tables of a schema, which need not be there. */
export async function hasLedger(pool: Pool, schema: string): Promise<boolean> {
  const s = quoteIdentifier(schema)
  try {
    const { rows } = await query<{ found: boolean }>(
      pool,
      `select exists (select from ${s}.ledger_event) or exists (select from ${s}.ledger_offset) as found`,
    )
    return rows[0]?.found === true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Gives the records of these ranges to a ledger writer of its own, in whose schema nothing stands yet. `told` hears how many it has. */
export async function writeLedger(
  { pool, schema, topic }: LedgerPlace,
  history: TopicHistory,
  ranges: readonly TopicRange[],
  signal: AbortSignal,
  told: (records: number) => void,
): Promise<Taken> {
  const firstRefused: Taken['firstRefused'][number][] = []
  let [records, refused] = [0, 0]
  // A feed that ends.
  const feed: RecordFeed = ({ handle }) => ({
    start: async () => {
      for await (const batch of history.read(ranges, signal)) {
        await handle(batch, signal)
        records += batch.records.length
        told(records)
      }
    },
    stop: async () => {},
  })
  const writer = createLedgerWriter({
    ...{ feed, topic, groupId: '', pool, schema, now: () => new Date(), log: quietLog },
    // They were written when the ledger of the system met them.
    deadLetters: {
      publish: async (letters) => {
        refused += letters.length
        for (const { topicPartition, offset, message } of letters)
          if (firstRefused.length < namedRefusals) firstRefused.push({ topicPartition, offset, reason: message })
      },
    },
  })
  await writer.start()
  return { records, refused, firstRefused }
}

/** How the ledger of the system compares with one that was rebuilt. */
export type Comparison =
  | { readonly equal: true }
  /** Tables that differ. */
  | { readonly equal: false; readonly hash: string; readonly tables: readonly string[] }
  | { readonly equal: null; readonly why: string }

/** Compares what was rebuilt of these ranges with the ledger of the system, if that stands where they end. */
export async function compareWithLive(
  live: LedgerPlace,
  ranges: readonly TopicRange[],
  rebuilt: LedgerHash,
): Promise<Comparison> {
  try {
    const before = await elsewhere(live, ranges)
    if (before !== null) return { equal: null, why: before }
    const { hash, tables } = await ledgerHash(live.pool, live.schema)
    const after = await elsewhere(live, ranges)
    if (after !== null) return { equal: null, why: after }
    if (hash === rebuilt.hash) return { equal: true }
    if (ranges.some(({ from }) => from > 0n))
      return {
        equal: null,
        why: `it differs from the live ledger, as it must: retention has removed the first records of topic "${live.topic}"`,
      }
    const differing = Object.keys(tables).filter((table) => tables[table]?.hash !== rebuilt.tables[table]?.hash)
    return { equal: false, hash, tables: differing }
  } catch (error) {
    if (isMissing(error)) return { equal: null, why: `there is no ledger in schema "${live.schema}"` }
    throw error
  }
}

/** Null: the ledger stands where the ranges end. */
async function elsewhere({ pool, schema, topic }: LedgerPlace, ranges: readonly TopicRange[]): Promise<string | null> {
  const topicPartitions = ranges.map(({ topicPartition }) => topicPartition)
  const stored = await storedOffsets(pool, schema, topic, topicPartitions)
  const stands = ranges.map(({ topicPartition, from }) => ({
    topicPartition,
    to: BigInt(stored.get(topicPartition) ?? from),
  }))
  if (stands.every(({ to }, at) => to === ranges[at]?.to)) return null
  return `the live ledger stands at ${offsetsText(stands)}, not at ${offsetsText(ranges)}`
}

const missing: ReadonlySet<string> = new Set(['42P01', '3F000'])
/** No such table, or schema. */
const isMissing = (error: unknown): boolean => missing.has(codeOf(error) ?? '')

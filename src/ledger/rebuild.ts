// Reads: the status topic as it lies there. Writes: the ledger tables of one schema, by the ledger writer itself.
// On a crash: what was written stays, and the schema is refused until it was dropped. Never: a dead letter, an offset of
// a group, or a table besides the ledger's.
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { quietLog } from '../process/log.ts'
import type { RecordFeed } from '../status/record-feed.ts'
import type { TopicHistory, TopicRange } from '../status/topic-history.ts'
import { type AsOf, rangesUpTo, requireTime } from './as-of.ts'
import { type LedgerHash, ledgerHash } from './ledger-hash.ts'
import { createLedgerWriter } from './ledger-writer.ts'
import { type Comparison, compareWithLive, isMissing, type LiveStand, readByLive, standText } from './live-stand.ts'

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
      `select exists (select from ${s}.ledger_history) or exists (select from ${s}.ledger_offset) as found`,
    )
    return rows[0]?.found === true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** A ledger as it was rebuilt. */
export interface Rebuilt extends Taken {
  readonly ledger: LedgerHash
  readonly live: Comparison
}

/**
 * Writes the ledger of these ranges into a schema in which nothing stands yet. On the way, where the live ledger stood
 * when this began, the two are compared. `told` hears how many records it has taken in.
 */
export async function rebuild(
  place: LedgerPlace,
  history: TopicHistory,
  ranges: readonly TopicRange[],
  live: LiveStand | { readonly why: string },
  signal: AbortSignal,
  told: (records: number) => void,
): Promise<Rebuilt> {
  const hash = (): Promise<LedgerHash> => ledgerHash(place.pool, place.schema)
  const read = 'why' in live ? null : readByLive(ranges, live)
  if ('why' in live || read === null) {
    const why = 'why' in live ? live.why : `it stands at ${standText(live)}, which does not lie within what was read`
    const taken = await writeLedger(place, history, ranges, signal, told)
    return { ...taken, ledger: await hash(), live: { equal: null, why } }
  }
  const first = await writeLedger(place, history, read, signal, told)
  const there = await hash()
  const compared = compareWithLive(live, read, there)
  const rest = ranges.map((range, at) => ({ ...range, from: read[at]?.to ?? range.from }))
  if (rest.every(({ from, to }) => from === to)) return { ...first, ledger: there, live: compared }
  const more = await writeLedger(place, history, rest, signal, (records) => told(first.records + records))
  return { ...together(first, more), ledger: await hash(), live: compared }
}

const together = (a: Taken, b: Taken): Taken => ({
  records: a.records + b.records,
  refused: a.refused + b.refused,
  firstRefused: [...a.firstRefused, ...b.firstRefused].slice(0, namedRefusals),
})

/** Gives the records of these ranges to a ledger writer of its own. */
async function writeLedger(
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

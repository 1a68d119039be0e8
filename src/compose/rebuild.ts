import { RetryableError, TerminalError } from '../contract/errors.ts'
import { createCodec } from '../kafka/codec.ts'
import { topicName } from '../kafka/topic-catalog.ts'
import { openTopicHistory } from '../kafka/topic-history.ts'
import type { AsOf } from '../ledger/as-of.ts'
import { type LiveStand, standOf } from '../ledger/live-stand.ts'
import { hasLedger, type Rebuilt, rangesAsOf, rebuild } from '../ledger/rebuild.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { TopicRange } from '../status/topic-history.ts'
import { control, createPools } from './pools.ts'

export interface RebuildOptions {
  /** Schema of the control database that the ledger is written into. */
  readonly into: string
  /** Null: the end of the topic as it is when this begins. */
  readonly asOf: AsOf | null
  readonly signal: AbortSignal
  /** Hears how far it is, after each batch. */
  told(this: void, records: number, of: number): void
}

export interface RebuiltLedger extends Rebuilt {
  readonly topic: string
  /** What was read. */
  readonly ranges: readonly TopicRange[]
}

/**
 * Writes a ledger from the status topic alone. Throws TerminalError: TOPIC_MISSING, SOURCE_NOT_READABLE for a place that
 * the topic does not have, TARGET_BUSY for a schema with a ledger in it; and RetryableError.
 */
export async function rebuildLedger(
  config: Config,
  { into, asOf, signal, told }: RebuildOptions,
  log: Log,
): Promise<RebuiltLedger> {
  const topic = topicName(config.topicPrefix, 'status')
  const history = openTopicHistory(config, createCodec(config), topic, log)
  const pools = createPools('rebuild', 2, log)
  const pool = pools.open(config.databaseUrl)
  try {
    const asked = await rangesAsOf(history, asOf, new Date(), signal)
    if (await hasLedger(pool, into)) throw hasOne(into)
    const live = await liveStand(config, into, topic, asked, log)
    // Events came in while the live ledger was looked at, and it may have them.
    const ranges = asOf === null ? await rangesAsOf(history, null, new Date(), signal) : asked
    await migrate(pool, { schema: into, ...control })
    const of = ranges.reduce((sum, { from, to }) => sum + Number(to - from), 0)
    const place = { pool, schema: into, topic }
    const rebuilding = rebuild(place, history, ranges, live, signal, (records) => told(records, of))
    const rebuilt = await rebuilding.catch((error: unknown) => {
      throw halfWritten(into, error)
    })
    return { ...rebuilt, topic, ranges }
  } finally {
    await pools.close()
  }
}

async function liveStand(
  { schema, databaseUrl }: Config,
  into: string,
  topic: string,
  ranges: readonly TopicRange[],
  log: Log,
): Promise<LiveStand | { readonly why: string }> {
  if (schema === into) return { why: 'it is what was rebuilt' }
  const pools = createPools('rebuild-live', 1, log)
  try {
    const topicPartitions = ranges.map(({ topicPartition }) => topicPartition)
    const stand = await standOf(pools.open(databaseUrl), schema, topic, topicPartitions)
    return stand ?? { why: `there is none in schema "${schema}"` }
  } finally {
    await pools.close()
  }
}

const hasOne = (schema: string): TerminalError =>
  new TerminalError(
    'TARGET_BUSY',
    `schema "${schema}" has a ledger in it: name another one, or drop what is there (drop schema ${schema} cascade; of a ` +
      'system that is to be kept only its tables ledger_*, emptied)',
  )

function halfWritten(schema: string, error: unknown): unknown {
  if (!(error instanceof RetryableError) && !(error instanceof TerminalError)) return error
  const message = `${error.message}; schema "${schema}" holds a part of the ledger now: drop it, and rebuild again`
  return error instanceof RetryableError
    ? new RetryableError(error.code, message, { cause: error })
    : new TerminalError(error.code, message, { cause: error })
}

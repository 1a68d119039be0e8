import { RetryableError, TerminalError } from '../contract/errors.ts'
import { createCodec } from '../kafka/codec.ts'
import { topicName } from '../kafka/topic-catalog.ts'
import { openTopicHistory } from '../kafka/topic-history.ts'
import type { AsOf } from '../ledger/as-of.ts'
import { type LedgerHash, ledgerHash } from '../ledger/ledger-hash.ts'
import { type Comparison, compareWithLive, hasLedger, rangesAsOf, type Taken, writeLedger } from '../ledger/rebuild.ts'
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

export interface RebuiltLedger extends Taken {
  readonly topic: string
  /** What was read. */
  readonly ranges: readonly TopicRange[]
  readonly ledger: LedgerHash
  readonly live: Comparison
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
    const ranges = await rangesAsOf(history, asOf, new Date(), signal)
    if (await hasLedger(pool, into)) throw hasOne(into)
    await migrate(pool, { schema: into, ...control })
    const of = ranges.reduce((sum, { from, to }) => sum + Number(to - from), 0)
    const written = writeLedger({ pool, schema: into, topic }, history, ranges, signal, (records) => told(records, of))
    const taken = await written.catch((error: unknown) => {
      throw halfWritten(into, error)
    })
    const ledger = await ledgerHash(pool, into)
    const live: Comparison =
      into === config.schema
        ? { equal: null, why: 'it is the live ledger itself' }
        : await compareWithLive({ pool, schema: config.schema, topic }, ranges, ledger)
    return { ...taken, topic, ranges, ledger, live }
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

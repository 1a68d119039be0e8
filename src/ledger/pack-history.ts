import { messageOf } from '../contract/errors.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, withTransaction } from '../postgres/pool.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import { pause } from '../work/pause.ts'
import {
  closeArchive,
  type OpenArchive,
  openArchives,
  toldIn,
  type UnpackedPartition,
  unpackedPartitions,
} from './archive-table.ts'
import { packFacts } from './packed-facts.ts'
import { holdTopicPartition } from './topic-partition.ts'

export interface PackHistoryDeps {
  readonly pool: Pool
  readonly schema: string
  /** The status topic. */
  readonly topic: string
  /** From one look for archived runs to the next. */
  readonly everyMs: number
  readonly log: Log
}

/** Facts of one transaction: recording waits for it. */
const factsAtOnce = 10_000
const partitionsAtOnce = 500
/** A partition of more of them stays as it is: its row would be too large to be read at once. */
const mostChunks = 50_000

/**
 * Packs the history of archived runs: what was told of a partition moves into one row, and nothing of it is lost. Any
 * number of them may run: what one has packed the others pass over.
 */
export function createPackHistory(deps: PackHistoryDeps): Service {
  const ended = new AbortController()
  let packing: Promise<void> | undefined
  return {
    start: async () => {
      packing ??= keepPacking(deps, ended.signal)
    },
    stop: async () => {
      ended.abort()
      await packing
    },
  }
}

async function keepPacking(deps: PackHistoryDeps, signal: AbortSignal): Promise<void> {
  const { pool, schema, log, everyMs } = deps
  while (!signal.aborted) {
    try {
      for (const archive of await openArchives(pool, schema)) await packRun(deps, archive, signal)
    } catch (error) {
      if (!signal.aborted)
        log.warn({ error: messageOf(error) }, 'could not pack the history of archived runs: tries again')
    }
    await pause(everyMs, signal)
  }
}

async function packRun(deps: PackHistoryDeps, archive: OpenArchive, signal: AbortSignal): Promise<void> {
  const { pool, schema, topic, log } = deps
  const { runId } = archive
  const quoted = quoteIdentifier(schema)
  // In their order: another one that holds some of them waits for none of these.
  const hold = (await toldIn(pool, schema, runId))
    .map((topicPartition) => holdTopicPartition(schema, { topic, topicPartition, nextOffset: '0' }))
    .join('; ')
  let [facts, partitions] = [0, 0]
  let after: UnpackedPartition | null = null
  for (;;) {
    if (signal.aborted) return
    const page = atOnce(await unpackedPartitions(pool, schema, runId, after, { atMost: partitionsAtOnce, mostChunks }))
    after = page.at(-1) ?? null
    if (after === null) break
    const ids = page.map(({ partitionId }) => partitionId)
    facts += await withTransaction(pool, (client) => packFacts(client, quoted, ids), undefined, hold)
    partitions += ids.length
  }
  await closeArchive(pool, schema, archive)
  log.info({ runId, partitions, facts }, 'the history of an archived run is packed')
}

/** As many as have not too many facts together, and at least one. */
function atOnce(page: readonly UnpackedPartition[]): readonly UnpackedPartition[] {
  let facts = 0
  const end = page.findIndex(({ chunks }, at) => (facts += Number(chunks) + 2) > factsAtOnce && at > 0)
  return end < 0 ? page : page.slice(0, end)
}

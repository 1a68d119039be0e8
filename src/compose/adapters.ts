import type { DiscoveredBackfill } from '../define/discover.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Pool } from '../postgres/pool.ts'
import { verifyRecordHash } from '../postgres/record-hash.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import { openPostgresInsert } from '../sink/postgres-insert.ts'
import { openPostgresUpsert } from '../sink/postgres-upsert.ts'
import type { Sink } from '../sink/sink.ts'
import { openCsvSource } from '../source/csv.ts'
import { openKafkaTopic } from '../source/kafka-topic.ts'
import { openNdjsonSource } from '../source/ndjson.ts'
import { openParquetSource } from '../source/parquet.ts'
import { openPostgresTable } from '../source/postgres-table.ts'
import type { Source } from '../source/source.ts'
import { type Pools, sinkTables } from './pools.ts'

/** The configuration with the brokers that a topic's definition names. */
const brokersOf = (config: Config, variable: string | null): Config =>
  variable === null ? config : { ...config, kafka: config.brokers(variable) }

export interface Adapters {
  source(discovered: DiscoveredBackfill): Source
  /** Opens the sink once a definition: its tables are migrated, and the record hash is compared with the server's. */
  sink(discovered: DiscoveredBackfill): Promise<Sink>
}

/** `isLook`: nothing is written, not even Tidemark's own tables. */
export function adaptersOf(config: Config, pool: Pools['open'], log: Log, mark: Mark, isLook = false): Adapters {
  const ready = new Map<Pool, Promise<void>>()
  const prepared = async (pool: Pool): Promise<void> => {
    const known = ready.get(pool)
    if (known !== undefined) return known
    const preparing = (async () => {
      if (!isLook) await migrate(pool, { schema: config.schema, ...sinkTables })
      await verifyRecordHash(pool)
    })()
    ready.set(pool, preparing)
    // A database that was away is asked again next time.
    preparing.catch(() => ready.delete(pool))
    return preparing
  }
  return {
    source: ({ backfill: { source, partitionBy }, folder }) => {
      switch (source.kind) {
        case 'files.parquet':
          return openParquetSource(source, { folder })
        case 'files.csv':
          return openCsvSource(source, { folder })
        case 'files.ndjson':
          return openNdjsonSource(source, { folder })
        case 'postgres.table':
          return openPostgresTable(source, { pool: pool(config.database(source.database)), partitionBy })
        case 'kafka.topic':
          return openKafkaTopic(source, { config: brokersOf(config, source.brokers), log })
      }
    },
    sink: async ({ backfill: { sink, limits, redact } }) => {
      const database = pool(config.database(sink.database))
      await prepared(database)
      const deps = {
        ...{ pool: database, schema: config.schema, leaseMs: config.leaseMs, redact, mark },
        limits: { rowBytes: limits.maxRowBytes, chunkBytes: limits.maxChunkBytes },
        isUntracked: isLook,
      }
      switch (sink.kind) {
        case 'postgres.insert':
          return openPostgresInsert(sink, deps)
        case 'postgres.upsert':
          return openPostgresUpsert(sink, deps)
      }
    },
  }
}

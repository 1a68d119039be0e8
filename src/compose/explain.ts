import { type Explanation, explainPartition } from '../explain/explain.ts'
import type { PartitionRef } from '../explain/partition-ref.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import { quietLog } from '../process/log.ts'
import { control, createPools } from './pools.ts'

/** What happened to a partition, and why it is late or failed, by the ledger in the configured schema. */
export async function explain(config: Config, ref: PartitionRef, now: Date): Promise<Explanation> {
  const pools = createPools('explain', 4, quietLog)
  const pool = pools.open(config.databaseUrl)
  try {
    await migrate(pool, { schema: config.schema, ...control })
    return await explainPartition(pool, config.schema, ref, now.getTime())
  } finally {
    await pools.close()
  }
}

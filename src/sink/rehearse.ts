import type { CopyBuffer } from '../postgres/copy-binary.ts'
import { type Pool, rolledBack } from '../postgres/pool.ts'
import type { PostgresWriter } from './postgres-sink.ts'
import type { Target } from './postgres-target.ts'

const stage = 'tidemark_rehearsal'

/**
 * Writes the rows to a temporary table with the target's columns, defaults, checks and indexes (no foreign keys, no
 * triggers), and takes them back: nobody else sees anything of it, and the target is not touched.
 */
export async function rehearse(pool: Pool, writer: PostgresWriter, target: Target, buffer: CopyBuffer): Promise<void> {
  if (buffer.rows === 0) return
  await rolledBack(pool, async (client) => {
    await client.query(`create temp table ${stage} (like ${target.name.sql} including all)`)
    const name = { schema: 'pg_temp', table: stage, sql: `pg_temp.${stage}` }
    await writer.write(client, { ...target, name }, buffer)
  })
}

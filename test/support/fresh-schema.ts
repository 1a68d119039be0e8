import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { openPool, type Pool, query } from '../../src/postgres/pool.ts'
import { silentLog } from './silent-log.ts'

/** A schema of its own in the database of the tests. */
export interface FreshSchema {
  readonly pool: Pool
  readonly schema: string
  /** Runs statements; `$schema` in them is the schema's name. */
  run(sql: string): Promise<void>
  /** Drops the schema and closes the pool. */
  close(): Promise<void>
}

export async function freshSchema(): Promise<FreshSchema> {
  const pool = openPool({
    connectionString: inject('DATABASE_URL'),
    applicationName: 'tidemark-test',
    max: 4,
    log: silentLog,
  })
  const schema = `test_${randomBytes(6).toString('hex')}`
  await query(pool, `create schema ${schema}`)
  return {
    pool,
    schema,
    async run(sql) {
      await query(pool, sql.replaceAll('$schema', schema))
    },
    async close() {
      await query(pool, `drop schema ${schema} cascade`)
      await pool.end()
    },
  }
}

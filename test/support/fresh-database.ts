import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { openPool, type Pool, query } from '../../src/postgres/pool.ts'
import type { FreshSchema } from './fresh-schema.ts'
import { silentLog } from './silent-log.ts'

/** A schema in a database of its own, in which nobody else has a transaction open. */
export async function freshDatabase(): Promise<FreshSchema> {
  const url = new URL(inject('DATABASE_URL'))
  const opened = (connectionString: string, max: number): Pool =>
    openPool({ connectionString, applicationName: 'tidemark-test', max, log: silentLog })
  const server = opened(url.href, 1)
  const name = `test_${randomBytes(6).toString('hex')}`
  await query(server, `create database ${name}`)
  url.pathname = `/${name}`
  const pool = opened(url.href, 4)
  return {
    pool,
    schema: 'public',
    async run(sql) {
      await query(pool, sql.replaceAll('$schema', 'public'))
    },
    async close() {
      await pool.end()
      await query(server, `drop database ${name}`)
      await server.end()
    },
  }
}

import { onTestFinished } from 'vitest'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, type Pool, query } from '../../src/postgres/pool.ts'
import { silentLog } from './silent-log.ts'
import { testConfig } from './test-config.ts'

export interface ControlDatabase {
  readonly pool: Pool
  readonly schema: string
  /** Rows of a statement in which `:schema` is the schema. */
  rows(statement: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
}

/** A migrated control database in a schema of its own, dropped when the test has finished. */
export async function controlDatabase(): Promise<ControlDatabase> {
  const { databaseUrl, schema } = testConfig()
  const pool = openPool({ connectionString: databaseUrl, applicationName: 'test', max: 8, log: silentLog })
  await migrate(pool, {
    schema,
    component: 'control',
    folder: new URL('../../src/ledger/migrations/', import.meta.url),
  })
  onTestFinished(async () => {
    await query(pool, `drop schema "${schema}" cascade`)
    await pool.end()
  })
  return {
    pool,
    schema,
    rows: async (statement, values) =>
      (await query<Record<string, unknown>>(pool, statement.replaceAll(':schema', `"${schema}"`), values)).rows,
  }
}

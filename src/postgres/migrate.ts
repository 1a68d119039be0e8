// Brings a schema to the newest of a folder of numbered SQL files. All that is missing runs in one transaction with
// its version rows, under an advisory lock: any number of processes may start at once, and a crash leaves nothing half
// done. Never goes back, and never touches a schema that is newer than the files.
import { readdir, readFile } from 'node:fs/promises'
import { TerminalError } from '../contract/errors.ts'
import { quoteIdentifier } from './identifier.ts'
import { type Client, type Pool, query, withTransaction } from './pool.ts'

export interface MigrateOptions {
  readonly schema: string
  /** Which set of tables: each has its own numbers. */
  readonly component: 'control' | 'sink'
  /** Files named 0001-what-it-does.sql; `:schema` in them is the quoted schema. */
  readonly folder: URL
}

interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

/** Returns the versions that were applied now. Throws TerminalError (SCHEMA_NEWER) when the schema knows more than the files. */
export async function migrate(
  pool: Pool,
  { schema, component, folder }: MigrateOptions,
): Promise<{ applied: number[] }> {
  const known = await readMigrations(folder, schema)
  const newest = known.at(-1)?.version ?? 0
  // Most starts find nothing to do, and then need neither lock nor the right to create.
  if ((await currentVersion(pool, schema, component, newest)) === newest) return { applied: [] }
  return withTransaction(pool, async (client) => {
    await client.query('set local lock_timeout = 0; set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`tidemark migrate ${schema}`])
    await createVersionTable(client, schema)
    const at = await client.query<{ version: number }>(
      `select coalesce(max(version), 0) as version from ${quoteIdentifier(schema)}.migration where component = $1`,
      [component],
    )
    const current = at.rows[0]?.version ?? 0
    refuseNewer(current, newest, schema, component)
    const missing = known.filter(({ version }) => version > current)
    for (const { version, name, sql } of missing) {
      await client.query(sql)
      await client.query(
        `insert into ${quoteIdentifier(schema)}.migration (component, version, name) values ($1, $2, $3)`,
        [component, version, name],
      )
    }
    return { applied: missing.map(({ version }) => version) }
  })
}

async function createVersionTable(client: Client, schema: string): Promise<void> {
  // By the catalogue's rows: to_regclass answers from a cache that may be older than the lock just waited for.
  const found = await client.query<{ schema: boolean; table: boolean }>(
    `select exists (select from pg_namespace where nspname = $1) as schema,
            exists (select from pg_tables where schemaname = $1 and tablename = 'migration') as table`,
    [schema],
  )
  if (found.rows[0]?.schema !== true) await client.query(`create schema ${quoteIdentifier(schema)}`)
  if (found.rows[0]?.table === true) return
  await client.query(`create table ${quoteIdentifier(schema)}.migration (
    component text not null,
    version int not null,
    name text not null,
    applied_at timestamptz not null default now(),
    primary key (component, version)
  )`)
}

async function currentVersion(pool: Pool, schema: string, component: string, newest: number): Promise<number> {
  const table = `${quoteIdentifier(schema)}.migration`
  const exists = await query<{ found: boolean }>(pool, 'select to_regclass($1) is not null as found', [table])
  if (exists.rows[0]?.found !== true) return 0
  const at = await query<{ version: number }>(
    pool,
    `select coalesce(max(version), 0) as version from ${table} where component = $1`,
    [component],
  )
  const version = at.rows[0]?.version ?? 0
  refuseNewer(version, newest, schema, component)
  return version
}

function refuseNewer(found: number, newest: number, schema: string, component: string): void {
  if (found > newest)
    throw new TerminalError(
      'SCHEMA_NEWER',
      `schema "${schema}" is at ${component} version ${found}, this program knows ${newest}: install the newer release everywhere`,
    )
}

async function readMigrations(folder: URL, schema: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const match = /^(\d{4})-(.+)\.sql$/.exec(file)
      if (match?.[2] === undefined || Number(match[1]) !== index + 1)
        throw new TypeError(`migration ${file} stands where ${String(index + 1).padStart(4, '0')}-….sql belongs`)
      const text = await readFile(new URL(file, folder), 'utf8')
      // Not the second colon of a cast.
      return {
        version: index + 1,
        name: match[2],
        sql: text.replace(/(?<!:):schema\b/g, () => quoteIdentifier(schema)),
      }
    }),
  )
}

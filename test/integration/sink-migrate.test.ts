// Risk: processes that start together break each other's tables, or an old program writes to a newer schema.
import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, type Pool } from '../../src/postgres/pool.ts'
import { sinkMigrations } from '../conformance/sink-postgres.ts'
import { silentLog } from '../support/silent-log.ts'

let pool: Pool
let schema: string
let files: string
const component = 'sink'

beforeEach(() => {
  schema = `Test "${randomUUID().slice(0, 8)}`
  pool = openPool({ connectionString: inject('DATABASE_URL'), applicationName: 'migrate', max: 20, log: silentLog })
  files = mkdtempSync(join(tmpdir(), 'tidemark-migrations-'))
  cpSync(sinkMigrations, files, { recursive: true })
})
afterEach(async () => {
  await pool.query(`drop schema if exists "${schema.replaceAll('"', '""')}" cascade`)
  await pool.end()
  rmSync(files, { recursive: true })
})
const folder = (): URL => pathToFileURL(`${files}/`)
const tables = async (): Promise<string[]> =>
  (
    await pool.query<{ name: string }>(
      'select table_name as name from information_schema.tables where table_schema = $1 order by 1',
      [schema],
    )
  ).rows.map(({ name }) => name)

test('twenty at once apply each version once', async () => {
  writeFileSync(
    join(files, '0003-more.sql'),
    `create table :schema.more (id int); insert into :schema.more select '5'::int`,
  )
  const runs = await Promise.all(
    Array.from({ length: 20 }, () => migrate(pool, { schema, component, folder: folder() })),
  )
  expect(runs.map(({ applied }) => applied).filter(({ length }) => length > 0)).toEqual([[1, 2, 3]])
  expect(await tables()).toEqual(['checkpoint', 'chunk', 'migration', 'more', 'rejected_row'])
  const { rows } = await pool.query(
    `select version, name from "${schema.replaceAll('"', '""')}".migration order by version`,
  )
  expect(rows).toEqual([
    { version: 1, name: 'checkpoint' },
    { version: 2, name: 'key-kinds' },
    { version: 3, name: 'more' },
  ])
})

test('a version that fails leaves nothing behind, and the next run goes on', async () => {
  writeFileSync(join(files, '0003-broken.sql'), 'create table :schema.half (id int); select 1 / 0')
  await expect(migrate(pool, { schema, component, folder: folder() })).rejects.toThrow('division by zero')
  expect(await tables()).toEqual([])
  rmSync(join(files, '0003-broken.sql'))
  expect(await migrate(pool, { schema, component, folder: folder() })).toEqual({ applied: [1, 2] })
  expect(await migrate(pool, { schema, component, folder: folder() })).toEqual({ applied: [] })
})

test('a schema that is newer than the program is refused', async () => {
  writeFileSync(join(files, '0003-later.sql'), 'select 1')
  await migrate(pool, { schema, component, folder: folder() })
  rmSync(join(files, '0003-later.sql'))
  await expect(migrate(pool, { schema, component, folder: folder() })).rejects.toMatchObject({
    code: 'SCHEMA_NEWER',
    message: `schema "${schema}" is at sink version 3, this program knows 2: install the newer release everywhere`,
  })
})

test('components of one schema have numbers of their own, and a gap in them is a mistake', async () => {
  await migrate(pool, { schema, component, folder: folder() })
  for (const file of readdirSync(files)) rmSync(join(files, file))
  writeFileSync(join(files, '0001-run.sql'), 'create table :schema.run (id int)')
  expect(await migrate(pool, { schema, component: 'control', folder: folder() })).toEqual({ applied: [1] })
  writeFileSync(join(files, '0003-later.sql'), 'select 1')
  await expect(migrate(pool, { schema, component: 'control', folder: folder() })).rejects.toThrow(
    '0003-later.sql stands where 0002',
  )
})

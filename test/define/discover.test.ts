// Definitions are loaded by Node itself, so this runs in a process of its own: in a test, modules are vitest's.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const program = join(import.meta.dirname, '..', 'support', 'discover-program.ts')
const made: string[] = []
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))))

async function folderWith(files: Record<string, string>): Promise<string> {
  // Outside the package: nothing is found there by walking up.
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-definitions-'))
  made.push(folder)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

interface Discovered {
  definitions?: { id: string; file: string; folder: string; hash: string }[]
  error?: { name: string; code: string; message: string; reasons: string[] }
}

async function discover(folder: string, ...asked: string[]): Promise<Discovered> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder, ...asked], { cwd: root })
  return JSON.parse(stdout) as Discovered
}

const definition = (id: string, more = ''): string => `
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { postgres } from 'tidemark/postgres'
${more}
const Row = z.object({ id: z.string() })
export default defineBackfill({
  id: '${id}',
  source: postgres.table('orders', { schema: Row, key: 'id' }),
  partitionBy: partition.byKey('id', { size: 10 }),
  transform: (row) => ({ ...row }),
  sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
})
`

test('finds definitions in every kind of file, and only in those', async () => {
  const folder = await folderWith({
    'b.ts': definition('orders-b', 'const typed: string = ""; void typed'),
    'a.mjs': definition('orders-a'),
    'c.mts': definition('orders-c'),
    'two.mjs': `${definition('orders-d')}\nexport const other = defineBackfill({ id: 'orders-e', source: postgres.table('t', { schema: Row, key: 'id' }), partitionBy: partition.byKey('id', { size: 1 }), sink: postgres.upsert('u', { schema: Row, key: ['id'] }) })`,
    'a.test.ts': 'throw new Error("tests are not definitions")',
    'types.d.ts': 'export type A = 1',
    'notes.md': '# notes',
    'shared/helper.ts': 'throw new Error("folders are not searched")',
  })
  const { definitions, error } = await discover(folder)
  expect(error).toBeUndefined()
  expect(definitions?.map(({ id }) => id)).toEqual(['orders-a', 'orders-b', 'orders-c', 'orders-d', 'orders-e'])
  expect(definitions?.[1]).toMatchObject({
    file: join(folder, 'b.ts'),
    folder,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
})

test('the hash does not depend on where the file is', async () => {
  const [one, two] = await Promise.all([
    folderWith({ 'a.mjs': definition('a') }),
    folderWith({ 'b.mjs': definition('a') }),
  ])
  const [first, second] = await Promise.all([discover(one), discover(two)])
  expect(first.definitions?.[0]?.hash).toBe(second.definitions?.[0]?.hash)
})

test('an id that is not known is answered with those that are, and the nearest', async () => {
  const folder = await folderWith({ 'a.mjs': definition('orders-v2'), 'b.mjs': definition('trips') })
  expect((await discover(folder, 'order-v2')).error).toMatchObject({
    code: 'DEFINITION_UNKNOWN',
    message: 'no backfill has the id "order-v2"; there are orders-v2, trips. Did you mean "orders-v2"?',
  })
})

test('everything that is broken is told at once, with its file', async () => {
  const folder = await folderWith({
    'a.mjs': definition('orders-v2'),
    'again.mjs': definition('orders-v2'),
    'empty.ts': 'export const a = 1',
    'throws.ts': 'throw new Error("no such calendar")',
    'syntax.ts': 'export default {',
    'enum.ts': 'enum Colour { red }',
    'missing.ts': 'import "./nowhere.ts"',
    'name.mjs': definition('Orders V2'),
  })
  const { error } = await discover(folder)
  expect(error?.code).toBe('DEFINITION_INVALID')
  const reasons = error?.reasons.join('\n') ?? ''
  expect(error?.reasons).toHaveLength(7)
  expect(reasons).toContain(
    `two definitions have the id "orders-v2": ${join(folder, 'a.mjs')} and ${join(folder, 'again.mjs')}`,
  )
  expect(reasons).toContain(`${join(folder, 'empty.ts')}: it exports no definition`)
  expect(reasons).toContain(`${join(folder, 'throws.ts')}: no such calendar`)
  expect(reasons).toContain(`${join(folder, 'name.mjs')}: backfill "Orders V2"`)
  for (const file of ['syntax.ts', 'enum.ts', 'missing.ts']) expect(reasons).toContain(join(folder, file))
})

test.each([
  ['is not there', (folder: string) => join(folder, 'nowhere')],
  ['has no file', (folder: string) => folder],
])('a folder that %s is named, with the option that names another', async (_what, path) => {
  const folder = path(await folderWith({}))
  const { error } = await discover(folder)
  expect(error).toMatchObject({ code: 'NOT_FOUND' })
  expect(error?.message).toContain(folder)
  expect(error?.message).toContain('--definitions DIR')
})

test('a definition gets the Tidemark that runs it, and zod where its folder has none', async () => {
  const folder = await folderWith({
    'node_modules/tidemark/package.json': '{ "name": "tidemark", "type": "module", "exports": "./index.js" }',
    'node_modules/tidemark/index.js': 'throw new Error("another copy")',
    'a.mjs': definition('orders-v2'),
  })
  expect((await discover(folder)).definitions).toHaveLength(1)
})

test("a folder's own zod is used before ours", async () => {
  const folder = await folderWith({
    'node_modules/zod/package.json': '{ "name": "zod", "type": "module", "exports": "./index.js" }',
    'node_modules/zod/index.js': 'export const z = null; throw new Error("its own zod")',
    'a.mjs': definition('orders-v2'),
  })
  expect((await discover(folder)).error?.message).toContain('its own zod')
})

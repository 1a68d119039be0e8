import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cacheFolder, checkSums, stackLock } from '../../src/stack/server-files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'server-files-'))
  writeFileSync(join(folder, 'a.jar'), 'content')
})
afterEach(() => rmSync(folder, { recursive: true }))

const right = { 'a.jar': createHash('sha256').update('content').digest('hex') }

test('files with the sums of the lock are taken', () => {
  expect(() => checkSums(folder, right)).not.toThrow()
})

test('a changed file is refused', () => {
  writeFileSync(join(folder, 'a.jar'), 'contents')
  expect(() => checkSums(folder, right)).toThrow(/a\.jar has SHA-256 [0-9a-f]{64}; stack\.lock\.json says/)
})

test('a file that the lock does not name is refused', () => {
  writeFileSync(join(folder, 'b.jar'), '')
  expect(() => checkSums(folder, right)).toThrow('does not name: b.jar')
})

test('the lock names every jar of Kafka and the archive of the registry', () => {
  expect(Object.keys(stackLock.kafka.files)).toContain(`kafka_2.13-${stackLock.kafka.version}.jar`)
  expect(Object.keys(stackLock.registry.files)).toEqual([
    `apicurio-registry-app-${stackLock.registry.version}-all.tar.gz`,
  ])
})

test('the cache is where it is told to be', () => {
  expect(cacheFolder({ TIDEMARK_STACK_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a')
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/tidemark')
  expect(cacheFolder({})).toMatch(/\.cache\/tidemark$/)
})

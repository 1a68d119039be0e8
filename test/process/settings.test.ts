import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settings } from '../../src/process/settings.ts'

test('docs/configuration.md names every variable', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  for (const { variable } of settings) expect(page).toContain(`\`${variable}\``)
})

test('every variable that the README names as a setting is one', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const known = settings.map(({ variable }) => variable as string)
  const [, section = ''] = readme.split('\n## Configuration\n')
  const named = [...section.matchAll(/`(TIDEMARK_[A-Z_]+|KAFKA_[A-Z_]+|DATABASE_URL)`/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(8)
  for (const name of named) expect([...known, 'TIDEMARK_CONFIG']).toContain(name)
})

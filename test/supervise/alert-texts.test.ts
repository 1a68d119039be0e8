import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AlertKind, RepairKind } from '../../src/contract/alert.ts'
import { alertTexts } from '../../src/supervise/alert-texts.ts'

const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8')

test('docs/alerts.md has every kind of alert in the words that the alert itself has', () => {
  const rows = AlertKind.options.map((kind) => {
    const { severity, meaning, remedy } = alertTexts[kind]
    return `| \`${kind}\` | ${severity} | ${meaning} | ${remedy} |`
  })
  expect(page).toContain(rows.join('\n'))
})

test('docs/alerts.md has every kind of repair', () => {
  for (const kind of RepairKind.options) expect(page).toContain(`| \`${kind}\` | `)
})

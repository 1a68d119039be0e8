import { describe, expect, test } from 'vitest'
import {
  type EffectiveSetting,
  effectiveSettings,
  redacted,
  type Sources,
} from '../../src/process/effective-settings.ts'

const cwd = '/srv/here'
const file = {
  file: '/srv/here/tidemark.config.yaml',
  values: {
    TIDEMARK_SLOTS: { text: '3', line: 4 },
    LOG_LEVEL: { text: 'warn', line: 5 },
    WAREHOUSE_URL: { text: 'postgres://me:hunter2@db/dwh', line: 9 },
  },
}
const of = (sources: Partial<Sources>, variable: string): EffectiveSetting | undefined =>
  effectiveSettings({ cwd, env: {}, file: undefined, running: undefined, ...sources }).find(
    (setting) => setting.variable === variable,
  )

describe('where a setting comes from', () => {
  test('the environment before the file, the file before the default', () => {
    expect(of({ env: { TIDEMARK_SLOTS: '7' }, file }, 'TIDEMARK_SLOTS')).toEqual({
      setting: 'slots',
      variable: 'TIDEMARK_SLOTS',
      value: '7',
      origin: { from: 'environment', where: 'TIDEMARK_SLOTS' },
    })
    expect(of({ file }, 'TIDEMARK_SLOTS')).toMatchObject({
      value: '3',
      origin: { from: 'file', where: 'tidemark.config.yaml:4' },
    })
    expect(of({}, 'TIDEMARK_SLOTS')).toMatchObject({ value: '2', origin: { from: 'default' } })
    expect(of({}, 'DATABASE_URL')).toMatchObject({ value: null, origin: null })
  })

  test('a file that lies elsewhere is named whole', () => {
    expect(of({ cwd: '/srv/other', file }, 'LOG_LEVEL')?.origin?.where).toBe('/srv/here/tidemark.config.yaml:5')
  })

  test('a running system fills in, but only for whom something is missing, as for commands', () => {
    const running = { KAFKA_BROKERS: 'up:9092', DATABASE_URL: 'postgres://up/control', TIDEMARK_SLOTS: '9' }
    expect(of({ running }, 'KAFKA_BROKERS')).toMatchObject({ value: 'up:9092', origin: { from: 'running system' } })
    const env = { KAFKA_BROKERS: 'a:1', DATABASE_URL: 'postgres://a/control' }
    expect(of({ running, env }, 'TIDEMARK_SLOTS')).toMatchObject({ value: '2', origin: { from: 'default' } })
  })

  test('databases that the file names for definitions are among them', () => {
    expect(of({ file }, 'WAREHOUSE_URL')).toEqual({
      setting: 'databases.WAREHOUSE_URL',
      variable: 'WAREHOUSE_URL',
      value: 'postgres://me:***@db/dwh',
      origin: { from: 'file', where: 'tidemark.config.yaml:9' },
    })
  })
})

test.each([
  ['DATABASE_URL', 'postgres://me:hunter2@db/control', 'postgres://me:***@db/control'],
  ['DATABASE_URL', 'postgres://db/control?user=me&password=hunter2', 'postgres://db/control?user=me&password=***'],
  ['DATABASE_URL', 'hunter2', '***'],
  ['KAFKA_SASL_PASSWORD', 'hunter2', '***'],
  ['SCHEMA_REGISTRY_URL', 'https://me:hunter2@registry/', 'https://me:***@registry/'],
  ['OWN_DATABASE', 'postgres://me:hunter2@db/own', 'postgres://me:***@db/own'],
  ['TIDEMARK_SLOTS', '3', '3'],
])('%s=%s is printed as %s', (variable, value, printed) => expect(redacted(variable, value)).toBe(printed))

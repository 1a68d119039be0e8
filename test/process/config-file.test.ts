import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { stringify } from 'yaml'
import { TerminalError } from '../../src/contract/errors.ts'
import { readConfig } from '../../src/process/config.ts'
import { readConfigFile, withConfigFile } from '../../src/process/config-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-config-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const write = (text: string, name = 'tidemark.config.yaml'): Promise<void> => writeFile(join(folder, name), text)
const needed = { KAFKA_BROKERS: 'env:9092', DATABASE_URL: 'postgres://env/control' }

async function reasonsOf(text: string): Promise<readonly string[]> {
  await write(text)
  try {
    readConfigFile(folder, undefined)
  } catch (error) {
    if (error instanceof TerminalError && error.code === 'CONFIG_INVALID') return error.reasons
    throw error
  }
  return []
}

describe('a configuration file', { timeout: 60_000 }, () => {
  test('says what the environment does not', async () => {
    await write(`
kafka:
  brokers: [a:9092, b:9092]
  ssl: true
  sasl: { mechanism: plain, username: me }
databaseUrl: postgres://file/control
databases: { WAREHOUSE_URL: postgres://file/dwh }
definitions: ./here
liveRuns: 4
slots: 3
`)
    const env = withConfigFile(
      { TIDEMARK_SLOTS: '7', KAFKA_SASL_PASSWORD: 'x', DATABASE_URL: '' },
      readConfigFile(folder, undefined),
    )
    const config = readConfig(env)
    expect(config).toMatchObject({
      kafka: {
        brokers: ['a:9092', 'b:9092'],
        ssl: true,
        sasl: { mechanism: 'plain', username: 'me', password: 'x' },
        sessionTimeoutMs: 10_000,
      },
      databaseUrl: 'postgres://file/control',
      definitionsFolder: join(folder, 'here'),
      liveRuns: 4,
      slots: 7,
    })
    expect(config.database('WAREHOUSE_URL')).toBe('postgres://file/dwh')
    expect(env['TIDEMARK_CONFIG']).toBe(join(folder, 'tidemark.config.yaml'))
  })

  test('gives way to NAME_FILE too', async () => {
    await write('databaseUrl: postgres://file/control')
    await write('postgres://secret/control', 'url')
    const env = withConfigFile(
      { ...needed, DATABASE_URL: undefined, DATABASE_URL_FILE: join(folder, 'url') },
      readConfigFile(folder, undefined),
    )
    expect(readConfig(env).databaseUrl).toBe('postgres://secret/control')
  })

  test.prop({
    slots: fc.integer({ min: 1, max: 256 }),
    brokers: fc.array(fc.constantFrom('a:1', 'b.c:65535', 'd-e:9092'), { minLength: 1 }),
    ssl: fc.boolean(),
    replication: fc.integer({ min: -1, max: 9 }),
    leaseMs: fc.integer({ min: 1000, max: 3_600_000 }),
    asJson: fc.boolean(),
  })('is the same configuration as the environment with the same values', async (given) => {
    const { slots, brokers, ssl, replication, leaseMs, asJson } = given
    const { DATABASE_URL: databaseUrl } = needed
    const content = { kafka: { brokers, ssl, replication }, slots, leaseMs, databaseUrl }
    const name = asJson ? 'a.json' : 'a.yaml'
    await write(asJson ? JSON.stringify(content) : stringify(content), name)
    const { database: _, brokers: __, ...fromFile } = readConfig(withConfigFile({}, readConfigFile(folder, name)))
    const {
      database: ___,
      brokers: ____,
      ...fromEnvironment
    } = readConfig({
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_SSL: String(ssl),
      TIDEMARK_SLOTS: String(slots),
      TIDEMARK_LEASE_MS: String(leaseMs),
      TIDEMARK_REPLICATION: String(replication),
      DATABASE_URL: databaseUrl,
    })
    expect(fromFile).toEqual(fromEnvironment)
  })

  test('is none where there is none, and empty where it says nothing', async () => {
    expect(readConfigFile(folder, undefined)).toBeUndefined()
    await write('# nothing yet\n')
    expect(readConfigFile(folder, undefined)?.values).toEqual({})
  })

  test('is an error when it is named and not there, or there twice', async () => {
    expect(() => readConfigFile(folder, 'other.yaml')).toThrow(/configuration file .*other\.yaml cannot be read/)
    await write('slots: 2')
    await write('{}', 'tidemark.config.json')
    expect(() => readConfigFile(folder, undefined)).toThrow(
      /has tidemark\.config\.yaml and tidemark\.config\.json: keep one, or name one with --config/,
    )
  })
})

describe('mistakes in it', () => {
  test('each have their line, value and remedy, all at once', async () => {
    expect(
      await reasonsOf(`
kafka:
  brokers: [a]
  sasl:
    mechansim: plain
liveRun: 3
slots: 500
openTasks: many
leaseMs:
logLevel: loud
`),
    ).toEqual([
      'tidemark.config.yaml:3: kafka.brokers.0 is "a": must be host:port',
      'tidemark.config.yaml:5: unknown setting kafka.sasl.mechansim: did you mean "mechanism"?',
      expect.stringMatching(/^tidemark\.config\.yaml:10: logLevel is "loud": .*"debug"\|"info"/),
      'tidemark.config.yaml:7: slots is 500: Too big: expected number to be <=256',
      expect.stringMatching(/^tidemark\.config\.yaml:8: openTasks is "many": .*expected/),
      expect.stringMatching(/^tidemark\.config\.yaml:9: leaseMs is null: .*expected/),
      'tidemark.config.yaml:6: unknown setting liveRun: did you mean "liveRuns"?',
    ])
  })

  test('never show what may hold a password', async () => {
    const reasons = await reasonsOf(`
databaseUrl: mysql://me:hunter2@db/control
kafka: { sasl: { password: [hunter2] } }
databases: { WAREHOUSE_URL: "me:hunter2@db" }
`)
    expect(reasons).toHaveLength(3)
    expect(reasons.join()).not.toContain('hunter2')
    expect(reasons).toContain(
      'tidemark.config.yaml:2: databaseUrl is not right: must be a URL such as postgres://user@host:5432/database',
    )
  })

  test('are told of a file that is no YAML, and of one that is no mapping', async () => {
    expect((await reasonsOf('slots: [1'))[0]).toMatch(/tidemark\.config\.yaml is not YAML: .*line 1/)
    expect(await reasonsOf('- slots')).toEqual(['tidemark.config.yaml:1: must be a mapping of settings'])
    expect((await reasonsOf('slots: 1\nslots: 2'))[0]).toMatch(/keys must be unique/)
  })

  test('a name for one worker is none for all that read the file', async () => {
    expect((await reasonsOf('workerId: worker-1'))[0]).toMatch(/unknown setting workerId/)
  })
})

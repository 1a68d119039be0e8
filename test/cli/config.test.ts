import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { startTidemark, type TidemarkProcess } from '../support/tidemark-process.ts'

const folder = await mkdtemp(join(tmpdir(), 'tidemark-config-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const here = (env: Record<string, string>, ...args: string[]): TidemarkProcess['ended'] =>
  startTidemark(args, folder, { PATH: process.env['PATH'], ...env }).ended

describe('tidemark config', { timeout: 60_000 }, () => {
  test('prints every setting, where it comes from, and no password; what is missing is an error after it', async () => {
    await writeFile(join(folder, 'tidemark.config.yaml'), 'liveRuns: 4\nkafka:\n  brokers: [a:9092]\n')
    const env = { DATABASE_URL: 'postgres://me:hunter2@db/control' }
    const told = await here(env, 'config', '--show-origin')
    expect(told.code, told.stderr).toBe(0)
    expect(told.stdout).toMatch(/^kafka\.brokers +a:9092 +tidemark\.config\.yaml:3$/m)
    expect(told.stdout).toMatch(/^liveRuns +4 +tidemark\.config\.yaml:1$/m)
    expect(told.stdout).toMatch(/^databaseUrl +postgres:\/\/me:\*\*\*@db\/control +environment DATABASE_URL$/m)
    expect(told.stdout).toMatch(/^slots +2 +default$/m)

    const asJson = await here(env, 'config', '--json')
    const { file, settings } = JSON.parse(asJson.stdout) as { file: string; settings: { setting: string }[] }
    expect(file).toBe(join(folder, 'tidemark.config.yaml'))
    expect(settings.find(({ setting }) => setting === 'liveRuns')).toEqual({
      setting: 'liveRuns',
      variable: 'TIDEMARK_LIVE_RUNS',
      value: '4',
      origin: { from: 'file', where: 'tidemark.config.yaml:1' },
    })

    const incomplete = await here({}, 'config')
    expect(incomplete.code).toBe(2)
    expect(incomplete.stdout).toMatch(/^databaseUrl +\(not set\)$/m)
    expect(incomplete.stderr).toContain('DATABASE_URL is not set')
  })

  test('a file that is wrong stops every command, except the one that says how it should be', async () => {
    await writeFile(join(folder, 'wrong.yaml'), 'liveRunz: 4\n')
    for (const args of [
      ['status', '--config', 'wrong.yaml'],
      ['planner', '--config', 'wrong.yaml'],
    ]) {
      const refused = await here({}, ...args)
      expect(refused.code).toBe(2)
      expect(refused.stderr).toBe('tidemark: wrong.yaml:1: unknown setting liveRunz: did you mean "liveRuns"?\n')
    }
    const schema = await here({ TIDEMARK_CONFIG: 'wrong.yaml' }, 'schema', 'config')
    expect(schema.code, schema.stderr).toBe(0)
    expect(JSON.parse(schema.stdout)).toMatchObject({ properties: { liveRuns: { maximum: 1000 } } })
    expect((await here({ TIDEMARK_CONFIG: 'none.yaml' }, 'status')).code).toBe(5)
  })
})

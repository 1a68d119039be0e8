import { describe, expect, test } from 'vitest'
import { chooseWay } from '../../src/stack/resolve.ts'
import { serverNames, WayUnavailableError } from '../../src/stack/server.ts'

const here = <T>(what: T) => ({ prepare: async (): Promise<T> => what })
const not = (why: string) => ({ prepare: (): Promise<never> => Promise.reject(new WayUnavailableError(why)) })

interface Way {
  prepare: () => Promise<string>
}
const choose = (env: NodeJS.ProcessEnv, embedded: Way, docker: Way, server: (typeof serverNames)[number] = 'kafka') =>
  chooseWay(server, env, { embedded: embedded.prepare, docker: docker.prepare })

describe('the order', () => {
  test.each([
    ['kafka', 'KAFKA_BROKERS'],
    ['postgres', 'DATABASE_URL'],
    ['registry', 'SCHEMA_REGISTRY_URL'],
  ] as const)('an address of %s in %s wins', async (server, variable) => {
    const chosen = await choose({ [variable]: 'somewhere:1' }, here('jars'), here('engine'), server)
    expect(chosen).toEqual({ how: 'environment', address: 'somewhere:1' })
  })

  test('an address wins over TIDEMARK_STACK, which chooses between the other two', async () => {
    const env = { KAFKA_BROKERS: 'somewhere:1', TIDEMARK_STACK: 'docker' }
    expect(await choose(env, here('jars'), here('engine'))).toMatchObject({ how: 'environment' })
  })

  test('embedded comes before Docker', async () => {
    expect(await choose({}, here('jars'), here('engine'))).toEqual({ how: 'embedded', use: 'jars' })
  })

  test('Docker is taken when embedded is not to be had', async () => {
    expect(await choose({}, not('no Java'), here('engine'))).toEqual({ how: 'docker', use: 'engine' })
  })

  test('TIDEMARK_STACK=docker passes embedded over', async () => {
    expect(await choose({ TIDEMARK_STACK: 'docker' }, here('jars'), here('engine'))).toMatchObject({ how: 'docker' })
  })

  test('an empty address counts as none', async () => {
    expect(await choose({ KAFKA_BROKERS: '' }, here('jars'), here('engine'))).toMatchObject({ how: 'embedded' })
  })
})

describe('when nothing is to be had', () => {
  test.each(serverNames)('the error names the three ways of %s and why each failed', async (server) => {
    const failing = choose({}, not('java cannot be run; install Java 17'), not('no engine; install Docker'), server)
    await expect(failing).rejects.toMatchObject({
      code: 'STACK_UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(
          `^no ${server} to be had. Tried:\n  environment: [A-Z_]+ is not set\n` +
            '  embedded: java cannot be run; install Java 17\n  docker: no engine; install Docker$',
        ),
      ),
    })
  })

  test('a way that was left out by hand says so', async () => {
    const failing = choose({ TIDEMARK_STACK: 'embedded' }, not('no Java'), here('engine'))
    await expect(failing).rejects.toThrow('docker: not tried, because TIDEMARK_STACK is "embedded"')
  })

  test('a way that is there but fails is not passed over', async () => {
    const broken = { prepare: () => Promise.reject(new Error('checksum differs')) }
    await expect(choose({}, broken, here('engine'))).rejects.toThrow('checksum differs')
  })
})

test('a wrong TIDEMARK_STACK is refused with what would be right', async () => {
  await expect(choose({ TIDEMARK_STACK: 'podman' }, here('jars'), here('engine'))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'TIDEMARK_STACK is "podman"; it must be "embedded" or "docker"',
  })
})

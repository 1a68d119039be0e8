import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeCluster } from '../../src/kafka/describe-cluster.ts'
import { type Stack, type StackOptions, startStack } from '../../src/stack/start-stack.ts'
import { eventually } from '../support/eventually.ts'

const stackProcess = join(import.meta.dirname, '..', 'support', 'stack-process.ts')
// Addresses of the surrounding stack would win over what is tested here.
const { KAFKA_BROKERS: _, DATABASE_URL: __, SCHEMA_REGISTRY_URL: ___, ...env } = process.env

let dir: string
let stacks: Stack[]
let children: ChildProcess[]

beforeEach(() => {
  dir = mkdtempSync(join(import.meta.dirname, '..', '..', '.tidemark', 'test-stack-'))
  stacks = []
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(stacks.map((stack) => stack.stop()))
  await eventually('no server is left', async () => (processesOf(dir).length === 0 ? true : undefined))
  rmSync(dir, { recursive: true })
})

async function start(options: Partial<StackOptions>): Promise<Stack> {
  const want = { kafka: false, postgres: false, registry: false }
  const stack = await startStack({ dir, want, env, log: () => {}, ...options })
  stacks.push(stack)
  return stack
}

async function startInChild(): Promise<{ child: ChildProcess; stack: Stack }> {
  const child = spawn(process.execPath, [stackProcess, dir], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let out = ''
  let err = ''
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString()
  })
  child.stderr.on('data', (part: Buffer) => {
    err += part.toString()
  })
  const line = await eventually(
    'the stack is up',
    async () => {
      if (child.exitCode !== null) throw new Error(err)
      return out.includes('\n') ? out : undefined
    },
    60_000,
  )
  return { child, stack: JSON.parse(line) as Stack }
}

/** Processes whose command line names the folder: the guards and the servers. */
const processesOf = (folder: string): string[] =>
  execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder) && !line.includes('stack-process.ts') && !/^\s*\d+\s+Z/.test(line))

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function versionsOf(registry: string, subject: string): Promise<unknown> {
  return (await fetch(`${registry}/subjects/${subject}/versions`)).json()
}

test('servers of a killed process are gone within 5 s, and the next start finds their data', {
  timeout: 120_000,
}, async () => {
  const first = await startInChild()
  const { databaseUrl = '', schemaRegistryUrl = '' } = first.stack
  await query(databaseUrl, 'create table kept (id int)')
  await query(databaseUrl, 'insert into kept values (7)')
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }
  const registered = await fetch(`${schemaRegistryUrl}/subjects/kept/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schemaType: 'JSON', schema: JSON.stringify(schema) }),
  })
  expect(await registered.json()).toMatchObject({ id: expect.any(Number) })
  expect(processesOf(dir).length).toBeGreaterThanOrEqual(3)

  first.child.kill('SIGKILL')
  await eventually('every server is gone', async () => (processesOf(dir).length === 0 ? true : undefined), 5_000)

  // At once after the next kill: what it left is waited for.
  const second = await startInChild()
  second.child.kill('SIGKILL')
  const third = await start({ want: { kafka: true, postgres: true, registry: true } })
  expect(third.how).toEqual({ kafka: 'embedded', postgres: 'embedded', registry: 'embedded' })
  expect(await query(third.databaseUrl ?? '', 'select id from kept')).toEqual([{ id: 7 }])
  expect(await versionsOf(third.schemaRegistryUrl ?? '', 'kept')).toEqual([1])
  expect(await describeCluster(third.kafkaBrokers ?? [])).toEqual({ brokers: 1, hasController: true })
})

test('a folder in use is refused, by name of its holder', async () => {
  await start({ want: { kafka: false, postgres: true, registry: false } })
  await expect(start({ want: { kafka: false, postgres: true, registry: false } })).rejects.toMatchObject({
    code: 'STACK_UNAVAILABLE',
    message: expect.stringContaining(`belong to process ${process.pid}`),
  })
})

test('three brokers are one cluster', async () => {
  const stack = await start({ want: { kafka: { brokers: 3 }, postgres: false, registry: false } })
  expect(stack.kafkaBrokers).toHaveLength(3)
  expect(await describeCluster(stack.kafkaBrokers ?? [])).toEqual({ brokers: 3, hasController: true })
})

test('the registry keeps its schemas without a Postgres of the stack', async () => {
  const stack = await start({ want: { kafka: false, postgres: false, registry: true } })
  expect(stack.databaseUrl).toBeUndefined()
  expect((await fetch(`${stack.schemaRegistryUrl}/subjects`)).status).toBe(200)
})

test('with nothing to be had, the error names every server, the three ways, and what to install', async () => {
  // Whether a Docker engine answers is not for the test to decide.
  const noJava = { PATH: join(tmpdir(), 'no-such-folder'), TIDEMARK_STACK_DIR: join(dir, 'cache') }
  const nothing = { ...noJava, TIDEMARK_STACK: 'embedded' }
  const starting = start({ want: { kafka: true, postgres: false, registry: true }, env: nothing })
  const error = await starting.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(error).toMatchObject({ code: 'STACK_UNAVAILABLE', reasons: { length: 2 } })
  const { message } = error as Error
  for (const server of ['kafka', 'registry']) expect(message).toContain(`no ${server} to be had. Tried:`)
  for (const variable of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL']) expect(message).toContain(`${variable} is not set`)
  expect(message).toContain('embedded: java cannot be run (ENOENT); install Java 17 or newer')
  expect(message).toContain('docker: not tried, because TIDEMARK_STACK is "embedded"')
})

test('giving up while starting leaves nothing running', async () => {
  const stop = new AbortController()
  const starting = start({ want: { kafka: true, postgres: true, registry: true }, signal: stop.signal })
  await eventually('a server has begun', async () => (processesOf(dir).length > 0 ? true : undefined))
  stop.abort(new Error('not any more'))
  await expect(starting).rejects.toThrow('not any more')
  expect(processesOf(dir)).toEqual([])
})

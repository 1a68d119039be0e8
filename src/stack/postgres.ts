// Embedded Postgres as a child of this process, with the databases tidemark and registry.
// Keeps its data in <folder>/postgres and recovers by itself after a kill; every committed row is there again.
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { runGuarded, startGuarded } from './guarded-process.ts'
import { freePorts } from './ports.ts'
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts'
import { lookUpProcess } from './process-table.ts'
import type { RunningServer } from './server.ts'
import { assertReachable, letThrough, type User, unprivilegedUser } from './unprivileged-user.ts'

const user = 'tidemark'
const databases = ['tidemark', 'registry'] as const

export interface PostgresFiles extends PostgresBinaries {
  readonly owner: User | undefined
}

/** Throws WayUnavailableError without binaries, or when they cannot run on `folder`. */
export function preparePostgres(env: NodeJS.ProcessEnv, folder: string): PostgresFiles {
  const binaries = findPostgres(env)
  const owner = unprivilegedUser()
  if (owner !== undefined) {
    letThrough(folder)
    for (const path of [binaries.postgres, join(folder, 'postgres')]) assertReachable(path, owner)
  }
  return { ...binaries, owner }
}

export interface PostgresOptions {
  readonly files: PostgresFiles
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** The one address is that of the database tidemark. */
export async function startPostgres({ files, folder, env, signal }: PostgresOptions): Promise<RunningServer> {
  const [port] = await freePorts(1)
  const own = join(folder, 'postgres')
  const data = join(own, 'data')
  mkdirSync(own, { recursive: true })
  if (files.owner !== undefined) chownSync(own, files.owner.uid, files.owner.gid)
  if (!existsSync(join(data, 'global', 'pg_control'))) await initialise(data, own, files, env, signal)
  dropStalePidFile(data)
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '64MB',
    wal_level: 'logical',
    log_min_messages: 'warning',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = startGuarded({
    name: 'postgres',
    command: [files.postgres, '-D', data, ...flags],
    // TERM would wait until every client has left.
    signal: 'INT',
    graceSeconds: 15,
    folder: own,
    env,
    owner: files.owner,
  })
  const address = (database: string): string => `postgres://${user}@127.0.0.1:${port}/${database}`
  try {
    await server.ready(() => postgresAnswers(address('postgres')), signal)
    for (const name of databases) await createDatabase(address('postgres'), name)
    return { addresses: [address('tidemark')], stop: () => server.stop() }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function initialise(
  data: string,
  folder: string,
  { initdb, owner }: PostgresFiles,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<void> {
  rmSync(data, { recursive: true, force: true }) // what an interrupted initdb left
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8']
  const flags = ['-D', data, '-U', user, '--auth=trust', ...locale, '--no-sync', '--no-instructions']
  const command = [initdb, ...flags] as const
  await runGuarded({ name: 'initdb', command, signal: 'INT', graceSeconds: 3, folder, env, owner }, signal)
}

/** Postgres refuses to start while postmaster.pid names a process, also when that is a zombie or long somebody else. */
function dropStalePidFile(data: string): void {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
  if (!lookUpProcess(pid)?.command.includes('postgres')) rmSync(file, { force: true })
}

async function createDatabase(url: string, name: string): Promise<void> {
  try {
    await query(url, `create database ${name}`)
  } catch (error) {
    const duplicate = '42P04'
    if ((error as { code?: string }).code !== duplicate) throw error
  }
}

export const postgresAnswers = (url: string): Promise<void> => query(url, 'select 1')

async function query(connectionString: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {}) // the query's own error says it
  try {
    await client.connect()
    await client.query(text)
  } finally {
    await client.end().catch(() => {})
  }
}

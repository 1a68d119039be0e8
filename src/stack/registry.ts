// Embedded schema registry (Apicurio, which speaks Confluent's protocol) as a child of this process.
// Keeps schemas in the embedded Postgres, else in a file of <folder>/registry: schema ids outlive a restart as topics do.
import { join } from 'node:path'
import { startGuarded } from './guarded-process.ts'
import { findJava, type Java, quickStart } from './java.ts'
import { freePorts } from './ports.ts'
import type { RunningServer } from './server.ts'
import { type FileSource, registryJar } from './server-files.ts'

export interface RegistryFiles {
  readonly java: Java
  readonly jar: string
}

/** Throws WayUnavailableError without Java, or without the jar and a way to fetch it. */
export async function prepareRegistry(source: FileSource): Promise<RegistryFiles> {
  const [java, jar] = await Promise.all([findJava(source.env), registryJar(source)])
  return { java, jar }
}

export interface RegistryOptions {
  readonly files: RegistryFiles
  readonly folder: string
  /** The embedded Postgres, when there is one. */
  readonly postgresUrl: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

export async function startRegistry(options: RegistryOptions): Promise<RunningServer> {
  const { files, postgresUrl, env, signal } = options
  const folder = join(options.folder, 'registry')
  const [port] = await freePorts(1)
  const settings = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': port,
    'quarkus.http.access-log.enabled': false,
    'quarkus.otel.sdk.disabled': true,
    'apicurio.storage.kind': 'sql',
    ...(postgresUrl === undefined ? inFile(folder) : inPostgres(postgresUrl)),
  }
  const flags = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
  const server = startGuarded({
    name: 'registry',
    command: [files.java.command, '-Xms64m', '-Xmx384m', ...quickStart, ...flags, '-jar', files.jar],
    signal: 'TERM',
    graceSeconds: 5,
    folder,
    env,
  })
  const address = `http://127.0.0.1:${port}/apis/ccompat/v7`
  try {
    await server.ready(() => registryAnswers(address), signal)
    return { addresses: [address], stop: () => server.stop() }
  } catch (error) {
    await server.stop()
    throw error
  }
}

export async function registryAnswers(address: string): Promise<void> {
  const answer = await fetch(`${address}/subjects`, { signal: AbortSignal.timeout(2_000) })
  if (!answer.ok) throw new Error(`the registry answers ${answer.status}`)
}

function inPostgres(url: string): Record<string, string | number> {
  const { host, username } = new URL(url)
  return {
    'apicurio.storage.sql.kind': 'postgresql',
    'apicurio.datasource.url': `jdbc:postgresql://${host}/registry`,
    'apicurio.datasource.username': username,
    'apicurio.datasource.password': '',
    'apicurio.datasource.jdbc.initial-size': 2,
    'apicurio.datasource.jdbc.min-size': 2,
    'apicurio.datasource.jdbc.max-size': 8,
  }
}

const inFile = (folder: string): Record<string, string> => ({
  'apicurio.storage.sql.kind': 'h2',
  'apicurio.datasource.url': `jdbc:h2:file:${join(folder, 'schemas')}`,
})

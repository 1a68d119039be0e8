// Starts what Tidemark runs on, side by side: Kafka, Postgres and the schema registry, each from where it can be had.
// Writes only under `dir`, which one live process holds at a time. When this process dies, however, its servers do.
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TerminalError } from '../contract/errors.ts'
import { lockFolder } from './folder-lock.ts'
import { type Launch, launchOfKafka, launchOfPostgres, launchOfRegistry, type Place, type Started } from './launch.ts'
import type { How, ServerName } from './server.ts'

export interface StackOptions {
  /** Where the servers keep their data; relative to the working directory. */
  readonly dir: string
  readonly want: {
    readonly kafka: boolean | { readonly brokers: 1 | 3 }
    readonly postgres: boolean
    readonly registry: boolean
  }
  /** Begin without the data of earlier starts. */
  readonly reset?: boolean
  readonly env: NodeJS.ProcessEnv
  readonly log: (line: string) => void
  /** Gives up starting; a stack that has started is stopped by `stop`. */
  readonly signal?: AbortSignal
}

export interface Stack {
  /** `host:port` of each broker. */
  readonly kafkaBrokers?: string[]
  readonly databaseUrl?: string
  readonly schemaRegistryUrl?: string
  readonly how: Record<ServerName, How | undefined>
  /** Of each server, from the call until it answered; `total` of them all. */
  readonly timingsMs: Record<string, number>
  /** Resolves when every server has ended; twice is harmless. Addresses from the environment are left alone. */
  stop(): Promise<void>
}

/**
 * Resolves when every wanted server answers. Throws TerminalError (STACK_UNAVAILABLE) when one is not to be had, naming
 * all ways tried for every such server, or when another live process has `dir`; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { want, env, log } = options
  const dir = resolve(options.dir)
  const gaveUp = new AbortController()
  const signal = AbortSignal.any([gaveUp.signal, ...(options.signal === undefined ? [] : [options.signal])])
  signal.throwIfAborted()
  const began = performance.now()
  const timingsMs: Record<string, number> = {}
  const release = await lockFolder(dir, signal)
  try {
    if (options.reset === true) removeData(dir)
  } catch (error) {
    release()
    throw error
  }

  const place: Place = { dir, reset: options.reset === true, env, log, signal }
  const launches: Promise<Launch>[] = []
  const start = async (name: ServerName, launching: Promise<Launch>): Promise<Started> => {
    launches.push(launching)
    const launch = await launching
    try {
      const server = await launch.start()
      const tookMs = Math.round(performance.now() - began)
      timingsMs[name] = tookMs
      log(`${name}: ${launch.how}, ${server.addresses.join(', ')} (${(tookMs / 1000).toFixed(1)} s)`)
      return { how: launch.how, server }
    } catch (error) {
      gaveUp.abort(error)
      throw error
    }
  }
  const running: Partial<Record<ServerName, Promise<Started>>> = {}
  if (want.kafka !== false)
    running.kafka = start('kafka', launchOfKafka(place, want.kafka === true ? 1 : want.kafka.brokers))
  if (want.postgres) running.postgres = start('postgres', launchOfPostgres(place))
  if (want.registry) running.registry = start('registry', launchOfRegistry(place, running.postgres))
  // Given up only when all have said whether they are to be had: one error names every one that is not.
  void Promise.allSettled(launches).then((results) => {
    const refused = results.find((result) => result.status === 'rejected')
    if (refused !== undefined) gaveUp.abort(refused.reason)
  })

  const stopAll = async (): Promise<void> => {
    const stopOf = async (name: ServerName): Promise<void> =>
      (await running[name]?.catch(() => undefined))?.server.stop()
    // The registry lives on Postgres.
    await Promise.all([stopOf('kafka'), stopOf('registry').then(() => stopOf('postgres'))])
    release()
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= stopAll())
  const settled = await Promise.allSettled(Object.values(running))
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  if (failures.length > 0) {
    await stop()
    throw oneFailure(failures, signal)
  }
  timingsMs.total = Math.round(performance.now() - began)
  const [kafka, postgres, registry] = await Promise.all([running.kafka, running.postgres, running.registry])
  return {
    ...(kafka === undefined ? {} : { kafkaBrokers: [...kafka.server.addresses] }),
    ...(postgres === undefined ? {} : { databaseUrl: postgres.server.addresses[0] ?? '' }),
    ...(registry === undefined ? {} : { schemaRegistryUrl: registry.server.addresses[0] ?? '' }),
    how: { kafka: kafka?.how, postgres: postgres?.how, registry: registry?.how },
    timingsMs,
    stop,
  }
}

function removeData(dir: string): void {
  for (const name of ['kafka', 'kafka-1-of-3', 'kafka-2-of-3', 'kafka-3-of-3', 'postgres', 'registry'])
    rmSync(join(dir, name), { recursive: true, force: true })
}

function oneFailure(failures: readonly unknown[], signal: AbortSignal): unknown {
  // The registry fails with what Postgres failed with: say it once.
  const terminal = [...new Set(failures.filter((failure) => failure instanceof TerminalError))]
  if (terminal.length < 1) return signal.aborted ? signal.reason : failures[0]
  if (terminal.length === 1) return terminal[0]
  const messages = terminal.map((failure) => failure.message)
  return new TerminalError('STACK_UNAVAILABLE', messages.join('\n'), { reasons: messages })
}

import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareKafka, startKafka } from '../../src/stack/kafka.ts'
import { preparePostgres, startPostgres } from '../../src/stack/postgres.ts'
import type { RunningServer } from '../../src/stack/server.ts'
import { isRunning } from '../support/tidemark-process.ts'
import { rerouteKafka } from './reroute.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** How a server is ended before it is started again: killed (for Postgres: an immediate shutdown), or asked. */
export type ServerEnd = 'immediate' | 'clean'

/** Servers of the bench's own, which it may hurt. */
export interface BenchStack {
  readonly folder: string
  /** Where Kafka can be reached by this process, whatever becomes of the broker. */
  readonly kafkaBrokers: string
  readonly databaseUrl: string
  /** Everybody who leads connections there is led to the new port; returns how long it was away, in ms. */
  restart(server: 'kafka' | 'postgres', how: ServerEnd): Promise<number>
  /** A proxy that is kept up to date with the server's port, and ended with `stop` of its own. */
  proxy(server: 'kafka' | 'postgres'): Promise<TcpProxy>
  /** Kills a broker of a cluster, which can be had back under its address. */
  loseBroker(id: number): Promise<{ back(): Promise<void> }>
  stop(): Promise<void>
}

/** One Kafka broker and one Postgres in a fresh folder. Connections of this process to Kafka lead there from now on. */
export async function startBenchStack(folder: string, log: (line: string) => void): Promise<BenchStack> {
  const { KAFKA_BROKERS: _kafka, DATABASE_URL: _database, ...env } = process.env
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const { signal } = new AbortController()
  const files = { kafka: await prepareKafka({ env, log }), postgres: preparePostgres(env, folder) }
  const starters = {
    kafka: () => startKafka({ files: files.kafka, folder, brokers: 1, env, signal }),
    postgres: () => startPostgres({ files: files.postgres, folder, env, signal }),
  }
  const [kafka, postgres] = await Promise.all([starters.kafka(), starters.postgres()])
  const servers: Record<'kafka' | 'postgres', RunningServer> = { kafka, postgres }
  const portOf = (server: 'kafka' | 'postgres'): number => {
    const [address = ''] = servers[server].addresses
    return Number(server === 'kafka' ? address.split(':')[1] : new URL(address).port)
  }
  const led = { kafka: new Set<TcpProxy>(), postgres: new Set<TcpProxy>() }
  const [kafkaDoor, postgresDoor] = await Promise.all([
    startTcpProxy(portOf('kafka'), 'kafka'),
    startTcpProxy(portOf('postgres'), 'postgres'),
  ])
  led.kafka.add(kafkaDoor)
  led.postgres.add(postgresDoor)
  const known = new Set([portOf('kafka')])
  // A broker that is being started is looked for at its own address, which may be that of an earlier one.
  let isStarting = false
  rerouteKafka((port) => (known.has(port) && !isStarting ? kafkaDoor.port : port))
  const database = new URL(postgres.addresses[0] ?? '')
  database.port = String(postgresDoor.port)

  const end = async (server: 'kafka' | 'postgres', how: ServerEnd): Promise<void> => {
    if (how === 'clean') return servers[server].stop()
    const pidFile = server === 'kafka' ? join(folder, 'kafka', 'kafka-1.pid') : join(folder, 'postgres', 'postgres.pid')
    const pid = Number(readFileSync(pidFile, 'utf8'))
    process.kill(pid, server === 'kafka' ? 'SIGKILL' : 'SIGQUIT')
    while (isRunning(pid)) await sleep(20)
    await servers[server].stop()
  }
  return {
    folder,
    kafkaBrokers: `127.0.0.1:${kafkaDoor.port}`,
    databaseUrl: database.href,
    restart: async (server, how) => {
      const began = performance.now()
      await end(server, how)
      if (server === 'kafka') isStarting = true
      servers[server] = await starters[server]()
      if (server === 'kafka') {
        known.add(portOf(server))
        isStarting = false
      }
      for (const proxy of led[server]) proxy.retarget(portOf(server))
      return Math.round(performance.now() - began)
    },
    proxy: async (server) => {
      const proxy = await startTcpProxy(portOf(server), server)
      led[server].add(proxy)
      return {
        ...proxy,
        stop: () => {
          led[server].delete(proxy)
          return proxy.stop()
        },
      }
    },
    loseBroker: () => Promise.reject(new TypeError('the only broker is not lost: restart it')),
    stop: async () => {
      await Promise.all([kafkaDoor.stop(), postgresDoor.stop()])
      await Promise.all([servers.kafka.stop(), servers.postgres.stop()])
    },
  }
}

// Three brokers of the bench's own, of which it may lose one at a time; everything is there three times, and two must
// have what is acknowledged. They keep their ports, and nothing stands between them and their clients.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeCluster } from '../../src/kafka/describe-cluster.ts'
import type { GuardedProcess } from '../../src/stack/guarded-process.ts'
import { prepareKafka, startBroker } from '../../src/stack/kafka.ts'
import type { BrokerPlan } from '../../src/stack/kafka-properties.ts'
import { freePorts } from '../../src/stack/ports.ts'
import { preparePostgres, startPostgres } from '../../src/stack/postgres.ts'
import { isRunning } from '../support/tidemark-process.ts'
import type { BenchStack } from './bench-stack.ts'
import { startTcpProxy } from './tcp-proxy.ts'

const brokers = 3

export async function startBenchCluster(folder: string, log: (line: string) => void): Promise<BenchStack> {
  const { KAFKA_BROKERS: _kafka, DATABASE_URL: _database, ...env } = process.env
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const { signal } = new AbortController()
  const files = await prepareKafka({ env, log })
  const ports = await freePorts(2 * brokers)
  const controllerPorts = ports.slice(brokers)
  const plans = ports.slice(0, brokers).map(
    (port, index): BrokerPlan => ({
      ...{ id: index + 1, port, controllerPorts },
      folder: join(folder, `kafka-${index + 1}-of-${brokers}`),
    }),
  )
  const addresses = plans.map(({ port }) => `127.0.0.1:${port}`)
  const running = new Map<number, GuardedProcess>()
  const start = async (plan: BrokerPlan): Promise<void> => {
    const broker = await startBroker(plan, files, env, signal)
    running.set(plan.id, broker)
    const isIn = async (): Promise<void> => {
      const cluster = await describeCluster([`127.0.0.1:${plan.port}`])
      if (cluster.brokers < brokers || !cluster.hasController)
        throw new Error(`broker ${plan.id} is not in the cluster`)
    }
    await broker.ready(isIn, signal)
  }
  const [postgres] = await Promise.all([
    startPostgres({ files: preparePostgres(env, folder), folder, env, signal }),
    ...plans.map(start),
  ])
  const databaseUrl = postgres.addresses[0] ?? ''
  return {
    ...{ folder, databaseUrl, kafkaBrokers: addresses.join(',') },
    restart: (server) => Promise.reject(new TypeError(`${server} is not restarted here`)),
    proxy: (server) =>
      server === 'kafka'
        ? Promise.reject(new TypeError('nothing stands between a cluster and its clients'))
        : startTcpProxy(Number(new URL(databaseUrl).port), server),
    loseBroker: async (id) => {
      const plan = plans.find((one) => one.id === id)
      if (plan === undefined) throw new TypeError(`there is no broker ${id}`)
      const pid = Number(readFileSync(join(plan.folder, `kafka-${id}.pid`), 'utf8'))
      process.kill(pid, 'SIGKILL')
      while (isRunning(pid)) await sleep(20)
      await running.get(id)?.stop()
      return { back: () => start(plan) }
    },
    stop: async () => {
      await Promise.all([...running.values()].map((broker) => broker.stop()))
      await postgres.stop()
    },
  }
}

// The same servers as containers, for machines without Java or Postgres binaries but with a Docker engine.
// Keeps their data in named volumes, one set per `dir`. testcontainers removes the containers of a killed process.
import { createHash } from 'node:crypto'
import { messageOf } from '../contract/errors.ts'
import { describeCluster } from '../kafka/describe-cluster.ts'
import { freePorts } from './ports.ts'
import { postgresAnswers } from './postgres.ts'
import { registryAnswers } from './registry.ts'
import type { RunningServer } from './server.ts'
import { WayUnavailableError } from './server.ts'
import { stackLock } from './server-files.ts'
import { untilReady } from './until-ready.ts'

type Testcontainers = typeof import('testcontainers')
type Client = Awaited<ReturnType<Testcontainers['getContainerRuntimeClient']>>

export interface Docker {
  readonly lib: Testcontainers
  readonly client: Client
  /** Begins the names of this folder's containers and volumes. */
  readonly prefix: string
  readonly reset: boolean
  readonly signal: AbortSignal
}

/** Throws WayUnavailableError without testcontainers, or when no Docker engine answers. */
export async function prepareDocker(dir: string, reset: boolean, signal: AbortSignal): Promise<Docker> {
  let lib: Testcontainers
  try {
    lib = await import('testcontainers')
  } catch (error) {
    throw new WayUnavailableError('the package testcontainers is not installed; npm install testcontainers', {
      cause: error,
    })
  }
  try {
    const client = await lib.getContainerRuntimeClient()
    const prefix = `tidemark-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`
    return { lib, client, prefix, reset, signal }
  } catch (error) {
    const why = `no Docker engine answers (${messageOf(error)}); install Docker and start it`
    throw new WayUnavailableError(why, { cause: error })
  }
}

export async function startKafkaContainers(docker: Docker, brokers: 1 | 3): Promise<RunningServer> {
  const { lib, client } = docker
  const network = await new lib.Network().start()
  const ports = await freePorts(brokers)
  const host = client.info.containerRuntime.host
  const voters = ports.map((_, index) => `${index + 1}@kafka-${index + 1}:9093`).join(',')
  const containers = ports.map((port, index) => ({
    name: `kafka-${index + 1}`,
    image: `apache/kafka:${stackLock.kafka.version}`,
    port: { container: 9092, host: port },
    data: '/var/lib/kafka/data',
    network,
    environment: {
      CLUSTER_ID: 'VGlkZW1hcmstc3RhY2stMQ',
      KAFKA_NODE_ID: String(index + 1),
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: voters,
      KAFKA_LISTENERS: 'HOST://:9092,CONTROLLER://:9093,INTERNAL://:19092',
      KAFKA_ADVERTISED_LISTENERS: `HOST://${host}:${port},INTERNAL://kafka-${index + 1}:19092`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'HOST:PLAINTEXT,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT',
      KAFKA_LOG_DIRS: '/var/lib/kafka/data',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_DEFAULT_REPLICATION_FACTOR: String(brokers),
      KAFKA_MIN_INSYNC_REPLICAS: String(Math.max(1, brokers - 1)),
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: String(brokers),
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: String(brokers),
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: String(Math.max(1, brokers - 1)),
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '3000',
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
      KAFKA_HEAP_OPTS: '-Xms64m -Xmx256m',
    },
  }))
  const addresses = ports.map((port) => `${host}:${port}`)
  const started = await startAll(docker, containers, async () => {
    const cluster = await describeCluster(addresses)
    if (cluster.brokers < brokers || !cluster.hasController) throw new Error(`${cluster.brokers} of ${brokers} brokers`)
  })
  return {
    addresses,
    async stop() {
      await started.stop()
      await network.stop()
    },
  }
}

export async function startPostgresContainer(docker: Docker): Promise<RunningServer> {
  const [port] = (await freePorts(1)) as [number]
  const address = `postgres://tidemark@${docker.client.info.containerRuntime.host}:${port}/tidemark`
  const container = {
    name: 'postgres',
    image: 'postgres:18',
    port: { container: 5432, host: port },
    data: '/var/lib/postgresql',
    command: ['postgres', '-c', 'max_connections=200', '-c', 'wal_level=logical', '-c', 'log_min_messages=warning'],
    environment: { POSTGRES_USER: 'tidemark', POSTGRES_DB: 'tidemark', POSTGRES_HOST_AUTH_METHOD: 'trust' },
  }
  const { stop } = await startAll(docker, [container], () => postgresAnswers(address))
  return { addresses: [address], stop }
}

export async function startRegistryContainer(docker: Docker): Promise<RunningServer> {
  const [port] = (await freePorts(1)) as [number]
  const address = `http://${docker.client.info.containerRuntime.host}:${port}/apis/ccompat/v7`
  const container = {
    name: 'registry',
    image: `apicurio/apicurio-registry:${stackLock.registry.version}`,
    port: { container: 8080, host: port },
    data: '/schemas',
    user: 'root', // the volume is root's
    environment: {
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'h2',
      APICURIO_DATASOURCE_URL: 'jdbc:h2:file:/schemas/schemas',
      QUARKUS_OTEL_SDK_DISABLED: 'true',
    },
  }
  const { stop } = await startAll(docker, [container], () => registryAnswers(address))
  return { addresses: [address], stop }
}

interface Container {
  readonly name: string
  readonly image: string
  readonly port: { readonly container: number; readonly host: number }
  /** Where in the container its volume lies. */
  readonly data: string
  readonly environment: Record<string, string>
  readonly command?: string[]
  readonly user?: string
  readonly network?: Awaited<ReturnType<InstanceType<Testcontainers['Network']>['start']>>
}

async function startAll(
  docker: Docker,
  containers: readonly Container[],
  answers: () => Promise<void>,
): Promise<{ stop(): Promise<void> }> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(stops.splice(0).map((end) => end()))
  }
  try {
    await Promise.all(
      containers.map(async (container) => {
        const running = await startOne(docker, container)
        stops.push(() => running.stop({ timeout: 10_000 }))
      }),
    )
    await untilReady(containers.map(({ name }) => name).join(', '), answers, { signal: docker.signal })
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startOne(
  { lib, client, prefix, reset }: Docker,
  { name, image, port, data, environment, command, user, network }: Container,
): ReturnType<InstanceType<Testcontainers['GenericContainer']>['start']> {
  const own = `${prefix}-${name}`
  const { dockerode } = client.container
  // Whoever holds the folder's lock owns these names: what still has one is what a killed process left.
  await ignoreMissing(() => dockerode.getContainer(own).remove({ force: true }))
  if (reset) await ignoreMissing(() => dockerode.getVolume(own).remove())
  const container = new lib.GenericContainer(image)
    .withName(own)
    .withEnvironment(environment)
    .withExposedPorts(port)
    .withBindMounts([{ source: own, target: data }])
  if (command !== undefined) container.withCommand(command)
  if (user !== undefined) container.withUser(user)
  if (network !== undefined) container.withNetwork(network).withNetworkAliases(name)
  return container.start()
}

async function ignoreMissing(remove: () => Promise<unknown>): Promise<void> {
  const missing = 404
  try {
    await remove()
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== missing) throw error
  }
}

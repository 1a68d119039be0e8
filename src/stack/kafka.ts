// Embedded Kafka: one broker, or three, each its own controller, as children of this process.
// Keeps its data in <folder>/kafka (or kafka-1-of-3 …) and comes back on it, on other ports, also after a kill.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeCluster } from '../kafka/describe-cluster.ts'
import { classArchive } from './class-archive.ts'
import { formatStorage } from './format-storage.ts'
import { type GuardedProcess, startGuarded } from './guarded-process.ts'
import { findJava, type Java, quickStart } from './java.ts'
import { type BrokerPlan, kafkaProperties } from './kafka-properties.ts'
import { freePorts } from './ports.ts'
import type { RunningServer } from './server.ts'
import { type FileSource, kafkaJars } from './server-files.ts'

const logging = `-Dlog4j2.configurationFile=${fileURLToPath(new URL('./log4j2.yaml', import.meta.url))}`

export interface KafkaFiles {
  readonly java: Java
  readonly jars: string
}

/** Throws WayUnavailableError without Java, or without the jars and a way to fetch them. */
export async function prepareKafka(source: FileSource): Promise<KafkaFiles> {
  const [java, jars] = await Promise.all([findJava(source.env), kafkaJars(source)])
  return { java, jars }
}

export interface KafkaOptions {
  readonly files: KafkaFiles
  readonly folder: string
  readonly brokers: 1 | 3
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

export async function startKafka({ files, folder, brokers, env, signal }: KafkaOptions): Promise<RunningServer> {
  const ports = await freePorts(2 * brokers)
  const controllerPorts = ports.slice(brokers)
  const plans = ports.slice(0, brokers).map((port, index): BrokerPlan => {
    const own = brokers === 1 ? 'kafka' : `kafka-${index + 1}-of-${brokers}`
    return { id: index + 1, port, controllerPorts, folder: join(folder, own) }
  })
  const started: GuardedProcess[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((broker) => broker.stop()))
  }
  try {
    await Promise.all(plans.map(async (plan) => started.push(await startBroker(plan, files, env, signal))))
    const addresses = plans.map(({ port }) => `127.0.0.1:${port}`)
    const answers = async (): Promise<void> => {
      const cluster = await describeCluster(addresses)
      if (cluster.brokers < brokers) throw new Error(`${cluster.brokers} of ${brokers} brokers are in the cluster`)
      if (!cluster.hasController) throw new Error('no controller is elected')
    }
    await Promise.all(started.map((broker) => broker.ready(answers, signal)))
    return { addresses, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Resolves when its process runs, on whatever data stands in its folder; not yet that it answers. */
export async function startBroker(
  plan: BrokerPlan,
  { java, jars }: KafkaFiles,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<GuardedProcess> {
  mkdirSync(plan.folder, { recursive: true })
  const config = join(plan.folder, 'server.properties')
  writeFileSync(config, kafkaProperties(plan))
  const archive = classArchive(jars, java.version)
  const kafka = [...quickStart, logging, '-cp', join(jars, '*')]
  await formatStorage({
    brokerId: plan.id,
    folder: plan.folder,
    data: join(plan.folder, 'data'),
    config,
    template: `${jars}-bootstrap.checkpoint`,
    java: [java.command, ...archive.load, ...kafka],
    env,
    signal,
  })
  const single = plan.controllerPorts.length === 1
  const heap = ['-Xms64m', '-Xmx256m']
  const extra = single ? archive.make : archive.load
  const broker = startGuarded({
    name: `kafka-${plan.id}`,
    command: [java.command, ...heap, ...extra, ...kafka, 'kafka.Kafka', config],
    signal: 'TERM',
    // Of several stopped together, the last ones find no quorum to say goodbye to, and would wait for ever.
    graceSeconds: single ? 15 : 4,
    folder: plan.folder,
    env,
  })
  if (single) void broker.exited.then(archive.keep)
  return broker
}

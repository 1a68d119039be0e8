export interface BrokerPlan {
  /** 1, 2, … */
  readonly id: number
  readonly port: number
  /** The controller ports of all brokers, in the order of their ids. */
  readonly controllerPorts: readonly number[]
  readonly folder: string
}

/** The server.properties of one broker that is its own controller, or one of several. docker-compose.yml says the same. */
export function kafkaProperties({ id, port, controllerPorts, folder }: BrokerPlan): string {
  const brokers = controllerPorts.length
  const voters = controllerPorts.map((controller, index) => `${index + 1}@127.0.0.1:${controller}`)
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPorts[id - 1]}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': `${folder}/data`,
    'auto.create.topics.enable': false,
    'default.replication.factor': brokers,
    'min.insync.replicas': Math.max(1, brokers - 1),
    'offsets.topic.replication.factor': brokers,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': brokers,
    'transaction.state.log.min.isr': Math.max(1, brokers - 1),
    'transaction.state.log.num.partitions': 4,
    // The first member of a group need not wait for others; tests lose members fast.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 8 * 1024 * 1024,
    // A broker that was killed is let in again only when its old session has ended; by default after 9 s.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
  }
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}

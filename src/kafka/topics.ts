import { setTimeout } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'
import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { withAdmin } from './client.ts'
import { type TopicDeclaration, topicCatalog, topicName } from './topic-catalog.ts'

export interface TopicFinding {
  readonly topic: string
  readonly kind: 'missing' | 'topicPartitions' | 'setting'
  readonly problem: string
  readonly remedy: string
}

export interface TopicChange {
  readonly topic: string
  readonly change: 'created' | 'altered' | 'unchanged'
}

interface ActualTopic {
  readonly topicPartitions: number
  readonly config: ReadonlyMap<string, string>
}

/** Ways in which one topic is not as declared; pure. */
export function compareTopic(
  topic: string,
  declared: TopicDeclaration,
  actual: ActualTopic | undefined,
): TopicFinding[] {
  if (actual === undefined)
    return [
      {
        topic,
        kind: 'missing',
        problem: 'does not exist',
        remedy: 'run "tidemark topics apply", or create it as topics/ declares',
      },
    ]
  const findings: TopicFinding[] = []
  if (actual.topicPartitions !== declared.topicPartitions)
    findings.push({
      topic,
      kind: 'topicPartitions',
      problem: `has ${actual.topicPartitions} topic partitions, ${declared.topicPartitions} are declared`,
      remedy:
        'the number is never changed on a live topic: use another TIDEMARK_TOPIC_PREFIX, or delete and apply it while no run is live',
    })
  for (const [name, want] of Object.entries(declared.config)) {
    const have = actual.config.get(name)
    if (have !== want)
      findings.push({
        topic,
        kind: 'setting',
        problem: `${name} is ${have ?? 'not known'}, ${want} is declared`,
        remedy: 'run "tidemark topics apply"',
      })
  }
  return findings
}

/** Every difference between the topics of the cluster and the declared ones; none when all is right. */
export async function checkTopics(config: TopicConfig, log: Log): Promise<readonly TopicFinding[]> {
  const actual = await readTopics(config, log)
  return topicCatalog.flatMap((declared) => {
    const topic = topicName(config.topicPrefix, declared.name)
    return compareTopic(topic, declared, actual.get(topic))
  })
}

/** Throws TerminalError (TOPIC_MISSING, TOPIC_MISMATCH) unless every topic is there with the declared topic partitions. */
export async function requireTopics(config: TopicConfig, log: Log): Promise<void> {
  const findings = (await checkTopics(config, log)).filter((finding) => finding.kind !== 'setting')
  if (findings.length === 0) return
  const reasons = findings.map(({ topic, problem, remedy }) => `topic ${topic} ${problem}: ${remedy}`)
  const missing = findings.every((finding) => finding.kind === 'missing')
  throw new TerminalError(missing ? 'TOPIC_MISSING' : 'TOPIC_MISMATCH', reasons.join('; '), { reasons })
}

/** Creates what is missing and corrects settings. Throws TerminalError (TOPIC_MISMATCH) where only a person can: the number of topic partitions. */
export async function applyTopics(config: TopicConfig, log: Log): Promise<readonly TopicChange[]> {
  const actual = await readTopics(config, log)
  const work = topicCatalog.map((declared) => {
    const topic = topicName(config.topicPrefix, declared.name)
    const found = actual.get(topic)
    return { declared, topic, found, findings: compareTopic(topic, declared, found) }
  })
  refuseOtherCounts(work.flatMap(({ findings }) => findings))
  await withAdmin(config, log, async (admin) => {
    const missing = work.filter(({ found }) => found === undefined)
    if (missing.length > 0) {
      await createTopics(admin, missing, config)
      // Somebody else may have created one in between, from another declaration.
      refuseOtherCounts(await checkTopics(config, log))
    }
    for (const { declared, topic, found, findings } of work) {
      if (found === undefined || findings.length === 0) continue
      // alterConfigs replaces the whole configuration of the topic: send what is set there, with ours on top.
      const merged = new Map([...found.config, ...Object.entries(declared.config)])
      const configEntries = [...merged].map(([name, value]) => ({ name, value }))
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
      })
    }
  })
  return work.map(({ topic, found, findings }) => ({
    topic,
    change: found === undefined ? 'created' : findings.length > 0 ? 'altered' : 'unchanged',
  }))
}

/** The one difference that only a person can mend. */
function refuseOtherCounts(findings: readonly TopicFinding[]): void {
  const fixed = findings.filter((finding) => finding.kind === 'topicPartitions')
  if (fixed.length === 0) return
  const reasons = fixed.map(({ topic, problem, remedy }) => `topic ${topic} ${problem}: ${remedy}`)
  throw new TerminalError('TOPIC_MISMATCH', reasons.join('; '), { reasons })
}

interface MissingTopic {
  readonly topic: string
  readonly declared: TopicDeclaration
}

async function createTopics(admin: Admin, missing: readonly MissingTopic[], config: TopicConfig): Promise<void> {
  const names = missing.map(({ topic }) => topic)
  try {
    // Resolves false when one exists by now: somebody else applies the same declaration.
    await admin.createTopics({
      // kafkajs asks once and gives up on a broker that has not heard of the topic yet; we ask until all have.
      waitForLeaders: false,
      topics: missing.map(({ topic, declared }) => ({
        topic,
        numPartitions: declared.topicPartitions,
        replicationFactor: config.kafka.replication,
        configEntries: Object.entries(declared.config).map(([name, value]) => ({ name, value })),
      })),
    })
  } catch (error) {
    throw new TerminalError('TOPIC_MISSING', `topics ${names.join(', ')} could not be created: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const leaderless = async (): Promise<string | undefined> => {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: names })
      return topics.find(({ partitions }) => partitions.length === 0 || partitions.some(({ leader }) => leader < 0))
        ?.name
    } catch {
      return names[0]
    }
  }
  const deadline = Date.now() + 15_000
  for (let waiting = await leaderless(); waiting !== undefined; waiting = await leaderless()) {
    if (Date.now() > deadline)
      throw new RetryableError(
        'KAFKA_UNREACHABLE',
        `topic ${waiting} was created and has no leader after 15 s: look at the brokers`,
      )
    await setTimeout(50)
  }
}

/** Topic partitions and the settings made on the topic itself (not the brokers' defaults). */
async function readTopics(config: TopicConfig, log: Log): Promise<ReadonlyMap<string, ActualTopic>> {
  return withAdmin(config, log, async (admin) => {
    const deadline = performance.now() + 15_000
    for (;;)
      try {
        return await readTopicsOnce(config, admin)
      } catch (error) {
        // A topic that one broker lists is not known yet to another one.
        const isUnknown = error instanceof kafkajs.KafkaJSProtocolError && error.type === 'UNKNOWN_TOPIC_OR_PARTITION'
        if (!isUnknown || performance.now() > deadline) throw error
        await setTimeout(50)
      }
  })
}

async function readTopicsOnce(config: TopicConfig, admin: Admin): Promise<ReadonlyMap<string, ActualTopic>> {
  const all = new Set(await admin.listTopics())
  const names = topicCatalog
    .map((declared) => topicName(config.topicPrefix, declared.name))
    .filter((name) => all.has(name))
  if (names.length === 0) return new Map()
  const [metadata, configs] = await Promise.all([
    admin.fetchTopicMetadata({ topics: names }),
    admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
    }),
  ])
  const settings = new Map(
    configs.resources.map((resource) => [
      resource.resourceName,
      // 1: set on the topic; the rest are defaults, needed for comparison but never written back.
      new Map(resource.configEntries.map((entry) => [entry.configName, entry] as const)),
    ]),
  )
  return new Map(
    metadata.topics.map(({ name, partitions }) => {
      const declared = topicCatalog.find((topic) => topicName(config.topicPrefix, topic.name) === name)
      const entries = [...(settings.get(name) ?? [])].filter(
        ([setting, entry]) => entry.configSource === 1 || setting in (declared?.config ?? {}),
      )
      const values = new Map(entries.map(([setting, entry]) => [setting, entry.configValue]))
      return [name, { topicPartitions: partitions.length, config: values }]
    }),
  )
}

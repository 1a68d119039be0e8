// topics/asyncapi.json: every topic, message and role, for tools that read AsyncAPI 3. All of it follows from the
// declarations of the topics, the schemas of the messages, and the samples.
import packageJson from '../package.json' with { type: 'json' }
import { groupName, type TopicDeclaration, topicCatalog, topicName } from '../src/kafka/topic-catalog.ts'
import { examplesOf, type Message, messages, type TopicName } from './asyncapi-messages.ts'
import { type JsonSchema, takenApart } from './contract-schemas.ts'

/** Of a topic, what it is for. */
const topicWords: Readonly<Record<TopicName, string>> = {
  requests: 'What anybody asks for. Each request is answered by an event on the status topic.',
  tasks: 'One message for each partition that is to be processed; the task topic of the workers.',
  status: 'Everything that happens, each fact by an event of its own. See docs/status-events.md.',
  control: 'What is wanted of each live run. Compacted: a null value says that the run has ended.',
  'dead-letters': 'What will not be tried again without a person.',
}

/** The group that a role reads a topic with, where it is one that stays. */
const groups: Readonly<Record<string, string>> = {
  'planner requests': groupName('PREFIX', 'planner'),
  'worker tasks': groupName('PREFIX', 'workers'),
  'ledger status': groupName('PREFIX', 'ledger'),
}

const bindingVersion = '0.5.0'
const schemaAt = '#/components/schemas/'

interface Parts {
  readonly schemas: Readonly<Record<string, JsonSchema>>
  readonly components: Readonly<Record<string, object>>
}

/** Every message by topic and name, and the schemas of all of them. */
async function messageParts(): Promise<Parts> {
  const schemas: Record<string, JsonSchema> = { Headers: headers }
  const components: Record<string, object> = {}
  for (const { name: topic, key } of topicCatalog)
    for (const message of messages[topic]) {
      const id = `${topic}.${message.name}`
      const { schema, parts } = takenApart(message.schema, schemaAt)
      const examples = await examplesOf(topic, message)
      Object.assign(schemas, parts)
      schemas[id] = described(schema, message)
      components[id] = {
        ...{ name: message.name, title: message.name, summary: message.summary, contentType: 'application/json' },
        headers: headersOf(topic, message.name),
        payload: { $ref: `${schemaAt}${id}` },
        bindings: { kafka: { key: { type: 'string', description: key }, bindingVersion } },
        ...(examples.length === 0 ? {} : { examples }),
      }
    }
  components['control.ended'] = {
    ...{ name: 'ended', title: 'ended', summary: 'Nothing is wanted of the run any more: a tombstone.' },
    payload: { type: 'null' },
    bindings: { kafka: { key: { type: 'string', description: 'run id' }, bindingVersion } },
    examples: [{ name: 'ended', payload: null }],
  }
  return { schemas, components }
}

/** The document as text. */
export async function asyncApi(): Promise<string> {
  const { schemas, components } = await messageParts()
  return `${JSON.stringify(
    {
      asyncapi: '3.0.0',
      info: {
        ...{ title: 'Tidemark', version: packageJson.version, license: { name: packageJson.license } },
        description: `${packageJson.description}. The topics are the API. Written by npm run schemas:generate.`,
      },
      defaultContentType: 'application/json',
      servers: {
        kafka: {
          ...{ host: '{broker}', protocol: 'kafka' },
          description:
            'With a schema registry, values are in Confluent wire format and content-type is application/vnd.confluent.json; the JSON in them is the same.',
          variables: { broker: { default: 'localhost:9092', description: 'KAFKA_BROKERS' } },
        },
      },
      channels: Object.fromEntries(
        topicCatalog.map((topic) => [topic.name, channelOf(topic, Object.keys(components))]),
      ),
      operations: Object.fromEntries(topicCatalog.flatMap(operationsOf)),
      components: { schemas: sorted(schemas), messages: components },
    },
    null,
    2,
  )}\n`
}

const sorted = <Value>(record: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

function channelOf({ name, topicPartitions, key, config }: TopicDeclaration, ids: readonly string[]): object {
  const { 'cleanup.policy': cleanup, 'retention.ms': retentionMs } = config
  const own = ids.filter((id) => id.startsWith(`${name}.`))
  return {
    ...{
      address: topicName('{prefix}', name),
      title: name,
      description: `${topicWords[name]} Key of a record: ${key}.`,
    },
    messages: Object.fromEntries(own.map((id) => [id.slice(name.length + 1), { $ref: `#/components/messages/${id}` }])),
    servers: [{ $ref: '#/servers/kafka' }],
    parameters: { prefix: { default: 'tidemark', description: 'TIDEMARK_TOPIC_PREFIX' } },
    bindings: {
      kafka: {
        partitions: topicPartitions,
        topicConfiguration: {
          'cleanup.policy': [cleanup],
          ...(retentionMs === undefined ? {} : { 'retention.ms': Number(retentionMs) }),
        },
        bindingVersion,
      },
    },
  }
}

function operationsOf({ name, writers, readers }: TopicDeclaration): [string, object][] {
  const operation = (role: string, action: 'send' | 'receive'): [string, object] => {
    const group = groups[`${role} ${name}`]
    const id = `${role.replaceAll(/[^a-z]+/g, '-')}-${action}s-${name}`
    const summary = `${role[0]?.toUpperCase()}${role.slice(1)}: ${action}s ${name}.`
    const groupId = { type: 'string', pattern: `${group?.replace('PREFIX.', '\\.')}$`, description: group }
    const bindings = { kafka: { groupId, bindingVersion } }
    const channel = { $ref: `#/channels/${name}` }
    return [id, { action, channel, title: id, summary, ...(group === undefined ? {} : { bindings }) }]
  }
  return [...writers.map((role) => operation(role, 'send')), ...readers.map((role) => operation(role, 'receive'))]
}

/** With what each field says, where somebody wrote it down. */
function described(schema: JsonSchema, { summary, words }: Message): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, of]) => {
    const description = words(name)
    if (description === undefined || typeof of === 'boolean') return [name, of]
    // Beside a reference nothing counts.
    return [name, '$ref' in of ? { allOf: [of], description } : { ...of, description }]
  })
  return {
    description: summary,
    ...schema,
    properties: Object.fromEntries(properties) as JsonSchema['properties'] & {},
  }
}

const text = { type: 'string' } as const
/** CloudEvents 1.0 in Kafka's binary mode, and the W3C trace context. */
const headers: JsonSchema = {
  type: 'object',
  description: "CloudEvents 1.0 in Kafka's binary mode, and the W3C trace context: a run is one trace.",
  properties: {
    'content-type': { ...text, enum: ['application/json', 'application/vnd.confluent.json'] },
    ce_specversion: { ...text, const: '1.0' },
    ce_id: { ...text, format: 'uuid', description: 'The same for the same fact, whoever tells it and however often.' },
    ce_type: { ...text, pattern: '^dev\\.tidemark\\..+\\.v1$' },
    ce_source: {
      ...text,
      format: 'uri-reference',
      description: 'The process that tells it: /tidemark/worker/worker-1.',
    },
    ce_subject: { ...text, description: 'The key of the record.' },
    ce_time: { ...text, format: 'date-time' },
    traceparent: { ...text, pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' },
  },
}

/** A request may come without any. */
function headersOf(topic: TopicName, name: string): object {
  const own = topic === 'status' ? { properties: { ce_type: { const: `dev.tidemark.${name}.v1` } } } : {}
  const required = topic === 'requests' ? {} : { required: Object.keys(headers.properties ?? {}) }
  return { type: 'object', allOf: [{ $ref: `${schemaAt}Headers` }], ...own, ...required }
}

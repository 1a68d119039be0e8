import { parseVariables, type TopicConfig, TopicEnvironment, topicsOf, withFiles } from './config.ts'

/** How to reach the topics. What is left out, the environment says. */
export interface ClientOptions {
  /** Addresses of Kafka, each host:port. With them nothing about Kafka is taken from the environment. Else KAFKA_BROKERS. */
  readonly brokers?: readonly string[] | undefined
  /** Name of this program in the logs of the brokers. */
  readonly clientId?: string | undefined
  readonly ssl?: boolean | undefined
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    | undefined
  /** With it, messages are in Confluent wire format. Without it nor SCHEMA_REGISTRY_URL, they are plain JSON. */
  readonly registry?:
    | { readonly url: string; readonly username?: string | undefined; readonly password?: string | undefined }
    | undefined
  /** Topics are named PREFIX.status and so on. Else TIDEMARK_TOPIC_PREFIX, else tidemark. */
  readonly topicPrefix?: string | undefined
}

/** Of a variable, the option that says the same. */
const optionOf: Readonly<Record<string, string>> = {
  KAFKA_BROKERS: 'brokers',
  KAFKA_CLIENT_ID: 'clientId',
  KAFKA_SSL: 'ssl',
  KAFKA_SASL_MECHANISM: 'sasl.mechanism',
  KAFKA_SASL_USERNAME: 'sasl.username',
  KAFKA_SASL_PASSWORD: 'sasl.password',
  SCHEMA_REGISTRY_URL: 'registry.url',
  SCHEMA_REGISTRY_USERNAME: 'registry.username',
  SCHEMA_REGISTRY_PASSWORD: 'registry.password',
  TIDEMARK_TOPIC_PREFIX: 'topicPrefix',
}

/** Throws TerminalError (CONFIG_INVALID) with every option that is missing or wrong. */
export function topicConfigOf(options: ClientOptions, env: NodeJS.ProcessEnv = process.env): TopicConfig {
  const { brokers, clientId, ssl, sasl, registry, topicPrefix } = options
  const given: Record<string, string | undefined> = {}
  // A login is for the servers that it was given with, and is not shown to others.
  for (const [name, value] of Object.entries(env))
    if (
      !(brokers !== undefined && name.startsWith('KAFKA_')) &&
      !(registry !== undefined && name.startsWith('SCHEMA_'))
    )
      given[name] = value
  const said = {
    KAFKA_BROKERS: brokers?.join(','),
    KAFKA_CLIENT_ID: clientId,
    KAFKA_SSL: ssl?.toString(),
    KAFKA_SASL_MECHANISM: sasl?.mechanism,
    KAFKA_SASL_USERNAME: sasl?.username,
    KAFKA_SASL_PASSWORD: sasl?.password,
    SCHEMA_REGISTRY_URL: registry?.url,
    SCHEMA_REGISTRY_USERNAME: registry?.username,
    SCHEMA_REGISTRY_PASSWORD: registry?.password,
    TIDEMARK_TOPIC_PREFIX: topicPrefix,
  }
  for (const [name, value] of Object.entries(said)) if (value !== undefined) given[name] = value
  const nameOf = (variable: string): string => `${optionOf[variable] ?? ''} (${variable})`.trimStart()
  return topicsOf(parseVariables(TopicEnvironment, withFiles(given), nameOf))
}

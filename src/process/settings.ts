// The settings by the words of a configuration file. What each may be, config.ts says, by the variable's name.
import { z } from 'zod'
import { Environment } from './config.ts'

type Variable = keyof typeof Environment.shape

interface SettingWords {
  /** Place in a configuration file; null: not for a file, which many processes share. */
  readonly path: string | null
  readonly about: string
}

const words = {
  KAFKA_BROKERS: {
    path: 'kafka.brokers',
    about: 'addresses of Kafka, each host:port; in the environment comma-separated',
  },
  KAFKA_CLIENT_ID: { path: 'kafka.clientId', about: 'name of these processes in the logs of the brokers' },
  KAFKA_SSL: { path: 'kafka.ssl', about: 'whether connections to Kafka are encrypted' },
  KAFKA_SASL_MECHANISM: { path: 'kafka.sasl.mechanism', about: 'how to log in to Kafka' },
  KAFKA_SASL_USERNAME: { path: 'kafka.sasl.username', about: 'name to log in to Kafka with' },
  KAFKA_SASL_PASSWORD: { path: 'kafka.sasl.password', about: 'password to log in to Kafka with' },
  TIDEMARK_SESSION_TIMEOUT_MS: {
    path: 'kafka.sessionTimeoutMs',
    about: 'after how long the lanes of a silent worker move to others; those of a killed one move within seconds',
  },
  TIDEMARK_REPLICATION: {
    path: 'kafka.replication',
    about: "replicas of a topic that `topics apply` makes; -1: the brokers' default",
  },
  SCHEMA_REGISTRY_URL: { path: 'registry.url', about: 'with it, messages are in Confluent wire format' },
  SCHEMA_REGISTRY_USERNAME: { path: 'registry.username', about: 'name to log in to the registry with' },
  SCHEMA_REGISTRY_PASSWORD: { path: 'registry.password', about: 'password to log in to the registry with' },
  DATABASE_URL: { path: 'databaseUrl', about: 'control database, and the default of sources and sinks' },
  LOG_LEVEL: { path: 'logLevel', about: 'least severe lines that are logged' },
  TIDEMARK_TOPIC_PREFIX: { path: 'topicPrefix', about: 'topics and consumer groups are named PREFIX.…' },
  TIDEMARK_SCHEMA: { path: 'schema', about: "Postgres schema of Tidemark's own tables, in every database" },
  TIDEMARK_DEFINITIONS: {
    path: 'definitions',
    about: 'folder of the definition files; in a file, as seen from where that file lies',
  },
  TIDEMARK_WORKER_ID: { path: null, about: 'name of one worker process, kept over restarts' },
  TIDEMARK_SLOTS: { path: 'slots', about: 'partitions that a worker works on at the same time' },
  TIDEMARK_LIVE_RUNS: { path: 'liveRuns', about: 'runs that are live at the same time; others wait' },
  TIDEMARK_OPEN_TASKS: { path: 'openTasks', about: 'tasks of one run that are published and not ended' },
  TIDEMARK_FOLLOW_EVERY_MS: {
    path: 'followEveryMs',
    about: 'from one run that follows another to the next, and from one look for new rows to the next, at least',
  },
  TIDEMARK_LEASE_MS: {
    path: 'leaseMs',
    about: 'after how long without a sign of life a partition may be taken from its holder',
  },
  TIDEMARK_STAGE_LIMIT_MS: {
    path: 'stageLimitMs',
    about: 'a worker ends when one of its tasks is longer in one stage: claim, read, transform, write, tell',
  },
  TIDEMARK_PATIENCE_MS: {
    path: 'supervisor.patienceMs',
    about: 'how long a difference between plan, ledger, offsets and sink must last before it is one',
  },
  TIDEMARK_LOOK_BACK_MS: {
    path: 'supervisor.lookBackMs',
    about: 'runs that ended so lately are compared too',
  },
  TIDEMARK_ENDED_EVERY_MS: {
    path: 'supervisor.endedEveryMs',
    about: 'from one look at a run that has ended to the next, at least',
  },
  TIDEMARK_WORKER_SILENT_MS: {
    path: 'alerts.workerSilentMs',
    about: 'a worker that says nothing for so long, and is in no group, is lost',
  },
  TIDEMARK_STALLED_MS: { path: 'alerts.stalledMs', about: 'a run of which nothing moves for so long stands still' },
  TIDEMARK_SLOW_FACTOR: {
    path: 'alerts.slowFactor',
    about: 'a partition that runs so many times as long as the median of the completed ones is slow',
  },
  TIDEMARK_SLOW_MS: { path: 'alerts.slowMs', about: 'a partition that runs for less is not slow' },
  TIDEMARK_LEDGER_LAG_MS: { path: 'alerts.ledgerLagMs', about: 'events may wait so long to be recorded' },
  TIDEMARK_INTENT_LATE_MS: {
    path: 'alerts.intentLateMs',
    about: 'a worker that needs longer to obey a pause, a cancel or new limits is named',
  },
  TIDEMARK_INTENT_FORCED_MS: {
    path: 'alerts.intentForcedMs',
    about:
      'a worker that needs longer will not obey: a cancel is carried out without it, and what it holds of a paused run is taken from it',
  },
  TIDEMARK_ALERT_RESOLVE_MS: {
    path: 'alerts.resolveMs',
    about: 'how long what an alert is about must be over before the alert is',
  },
  TIDEMARK_ALERT_WEBHOOK: { path: 'alerts.webhook', about: 'where alerts are sent by POST; docs/alerts.md' },
  TIDEMARK_ALERT_WEBHOOK_SECRET: { path: 'alerts.webhookSecret', about: 'what they are signed with' },
} as const satisfies Record<Variable, SettingWords>

export interface Setting extends SettingWords {
  readonly variable: Variable
  /** Of the setting itself, as a file holds it: a list is a list, a number a number. */
  readonly schema: z.core.$ZodType
  /** As text; null: there is none. */
  readonly fallback: string | null
}

/** All settings, in the order of the documentation. */
export const settings: readonly Setting[] = Object.entries(words).map(([name, { path, about }]) => {
  const variable = name as Variable
  return { variable, path, about, schema: valueSchema(Environment.shape[variable]), fallback: fallbackOf(variable) }
})

/** Text becomes the value in a pipe, of which the far end is the value's own schema. */
function valueSchema(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return valueSchema(schema.def.innerType)
  return schema instanceof z.ZodPipe ? valueSchema(schema.out) : schema
}

function fallbackOf(variable: Variable): string | null {
  if (variable === 'TIDEMARK_WORKER_ID') return 'host and process number'
  const schema = Environment.shape[variable]
  return schema instanceof z.ZodDefault ? String(schema.def.defaultValue) : null
}

interface Fields {
  [name: string]: z.core.$ZodType
}

/** Variables that definitions name for databases of their own. */
const databases = z
  .record(
    z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable'),
    z.url({ protocol: /^postgres(ql)?$/, error: 'must be a URL such as postgres://user@host:5432/database' }),
  )
  .optional()
  .describe('Connection strings of other databases, by the environment variable that definitions name them by.')

/** What a configuration file may say. Every field may be left out. */
export const ConfigFile = ((): z.ZodObject => {
  const [top, kafka, sasl, registry, supervisor, alerts]: Fields[] = [{}, {}, {}, {}, {}, {}]
  const groups: Record<string, Fields | undefined> = {
    '': top,
    ...{ kafka, 'kafka.sasl': sasl, registry, supervisor, alerts },
  }
  for (const { path, about, schema, fallback, variable } of settings) {
    if (path === null) continue
    const at = path.lastIndexOf('.')
    const group = groups[path.slice(0, Math.max(at, 0))]
    if (group === undefined) throw new Error(`setting ${path} is in a group that the configuration file does not have`)
    const ending = fallback === null ? '' : ` Default: ${fallback}.`
    group[path.slice(at + 1)] = z
      .optional(schema)
      .describe(`${about[0]?.toUpperCase()}${about.slice(1)} (${variable}).${ending}`)
  }
  const strict = (fields: Fields | undefined): z.ZodObject => z.strictObject(fields ?? {})
  return strict({
    ...{ $schema: z.string().optional().describe('For editors.') },
    ...{ kafka: strict({ ...kafka, sasl: strict(sasl).optional() }).optional(), registry: strict(registry).optional() },
    ...{ supervisor: strict(supervisor).optional(), alerts: strict(alerts).optional() },
    ...top,
    databases,
  })
})()

/** The settings as a table in Markdown: what the documentation holds. */
export function settingsTable(): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    row(['in a file', 'in the environment', 'default', '']),
    row(['---', '---', '---', '---']),
    ...settings.map(({ path, variable, fallback, about }) =>
      row([
        path === null ? '(not in a file)' : `\`${path}\``,
        `\`${variable}\``,
        fallback === null ? 'none' : fallback.includes(' ') ? fallback : `\`${fallback}\``,
        about,
      ]),
    ),
  ].join('\n')
}

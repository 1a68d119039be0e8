import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { WorkerId } from '../contract/ids.ts'
import { otherBrokers } from './other-brokers.ts'
import { type Supervision, supervisionOf } from './supervision.ts'

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)
const flag = z
  .enum(['true', 'false', '1', '0'])
  .transform((text) => text === 'true' || text === '1')
  .pipe(z.boolean())
const whole = (min: number, max: number) =>
  z
    .string()
    .trim()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))

/** Partitions that one worker works on at the same time, at most. */
export const mostSlots = 256

/**
 * The environment variables Tidemark reads: text in, the setting itself out, which is what a configuration file holds
 * (config-file.ts). Each may be given as NAME_FILE, the path of a file that holds the value.
 */
export const Environment = z.object({
  KAFKA_BROKERS: list.pipe(z.array(z.string().regex(/^[^\s:,]+:\d{1,5}$/, 'must be host:port')).min(1)),
  KAFKA_CLIENT_ID: z.string().min(1).optional(),
  KAFKA_SSL: flag.default(false),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  SCHEMA_REGISTRY_URL: z.url().optional(),
  SCHEMA_REGISTRY_USERNAME: z.string().optional(),
  SCHEMA_REGISTRY_PASSWORD: z.string().optional(),
  DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a URL such as postgres://user@host:5432/database',
  }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  TIDEMARK_TOPIC_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, underscores or hyphens')
    .default('tidemark'),
  TIDEMARK_SCHEMA: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,50}$/, 'must be a lower-case Postgres identifier of at most 51 characters')
    .default('tidemark'),
  TIDEMARK_DEFINITIONS: z.string().default('./backfills'),
  TIDEMARK_WORKER_ID: WorkerId.default(() => `${hostname().replace(/[^A-Za-z0-9._-]/g, '-')}-${process.pid}`),
  TIDEMARK_SLOTS: whole(1, mostSlots).default(2),
  TIDEMARK_LIVE_RUNS: whole(1, 1_000).default(10),
  TIDEMARK_OPEN_TASKS: whole(1, 1_000_000).default(10_000),
  TIDEMARK_FOLLOW_EVERY_MS: whole(100, 86_400_000).default(60_000),
  TIDEMARK_SESSION_TIMEOUT_MS: whole(1000, 300_000).default(10_000),
  TIDEMARK_LEASE_MS: whole(1000, 3_600_000).default(60_000),
  // Above every limit of a Postgres statement (pool.ts), or the watchdog would come first.
  TIDEMARK_STAGE_LIMIT_MS: whole(1000, 86_400_000).default(600_000),
  TIDEMARK_REPLICATION: whole(-1, 9).default(-1),
  TIDEMARK_PATIENCE_MS: whole(100, 600_000).default(5_000),
  TIDEMARK_LOOK_BACK_MS: whole(0, 30 * 86_400_000).default(3_600_000),
  TIDEMARK_ENDED_EVERY_MS: whole(100, 86_400_000).default(30_000),
  TIDEMARK_WORKER_SILENT_MS: whole(1_000, 3_600_000).default(30_000),
  TIDEMARK_STALLED_MS: whole(1_000, 86_400_000).default(300_000),
  TIDEMARK_SLOW_FACTOR: whole(2, 1_000).default(5),
  TIDEMARK_SLOW_MS: whole(1_000, 86_400_000).default(60_000),
  TIDEMARK_LEDGER_LAG_MS: whole(1_000, 86_400_000).default(15_000),
  TIDEMARK_INTENT_LATE_MS: whole(1_000, 3_600_000).default(10_000),
  TIDEMARK_INTENT_FORCED_MS: whole(1_000, 86_400_000).default(300_000),
  TIDEMARK_ALERT_RESOLVE_MS: whole(0, 3_600_000).default(5_000),
  TIDEMARK_ALERT_WEBHOOK: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  TIDEMARK_ALERT_WEBHOOK_SECRET: z.string().min(16, 'must be at least 16 characters').optional(),
})

/** What it takes to talk to the topics. */
export type TopicConfig = Pick<Config, 'kafka' | 'registry' | 'topicPrefix'>

export interface Config {
  readonly kafka: {
    readonly brokers: readonly string[]
    readonly clientId: string | undefined
    readonly ssl: boolean
    readonly sasl:
      | { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
      | undefined
    /** How long a silent worker keeps its lanes. */
    readonly sessionTimeoutMs: number
    /** Replicas of a topic made by `topics apply`; −1: the brokers' default. */
    readonly replication: number
  }
  readonly registry:
    | { readonly url: string; readonly username: string | undefined; readonly password: string | undefined }
    | undefined
  /** Connection string of the control database. */
  readonly databaseUrl: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Topics and consumer groups are named `<topicPrefix>.…`. */
  readonly topicPrefix: string
  /** Schema of Tidemark's tables, in the control database and in each sink's. */
  readonly schema: string
  readonly definitionsFolder: string
  readonly workerId: string
  /** Partitions a worker works on at the same time. */
  readonly slots: number
  /** Runs that are planned or worked on at the same time, at most; others wait. */
  readonly liveRuns: number
  /** Tasks of one run that are published and not ended, at most. */
  readonly openTasks: number
  /** From one look for rows above a completed run to the next, and from one run of such a chain to the next, at least. */
  readonly followEveryMs: number
  /** How long a partition stays with its holder after its last sign of life, when a duplicate task turns up elsewhere. */
  readonly leaseMs: number
  /** How long a task may wait in one stage (claim, read, transform, write, tell) before the worker counts as stuck. */
  readonly stageLimitMs: number
  readonly supervision: Supervision
  /** Where alerts are sent; undefined: nowhere. */
  readonly alertWebhook: { readonly url: string; readonly secret: string } | undefined
  /** Connection string of a database that a definition names by its environment variable. Throws TerminalError (CONFIG_INVALID). */
  database(variable: string): string
  /** How to reach the brokers that a definition names by their environment variable. Throws TerminalError (CONFIG_INVALID). */
  brokers(variable: string): Config['kafka']
}

/**
 * The configuration, read once at the door. Throws TerminalError (CONFIG_INVALID) with every variable that is missing
 * or wrong, its value (never a secret's) and what would be right.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = withFiles(env)
  const values = parseVariables(Environment, given)
  return Object.freeze({
    ...topicsOf(values),
    databaseUrl: values.DATABASE_URL,
    logLevel: values.LOG_LEVEL,
    schema: values.TIDEMARK_SCHEMA,
    definitionsFolder: values.TIDEMARK_DEFINITIONS,
    workerId: values.TIDEMARK_WORKER_ID,
    slots: values.TIDEMARK_SLOTS,
    liveRuns: values.TIDEMARK_LIVE_RUNS,
    openTasks: values.TIDEMARK_OPEN_TASKS,
    followEveryMs: values.TIDEMARK_FOLLOW_EVERY_MS,
    leaseMs: values.TIDEMARK_LEASE_MS,
    stageLimitMs: values.TIDEMARK_STAGE_LIMIT_MS,
    supervision: supervisionOf(values),
    alertWebhook: webhookOf(values),
    database(variable: string): string {
      const url = given[variable]
      if (url === undefined)
        throw new TerminalError(
          'CONFIG_INVALID',
          `the definition names its database by the environment variable ${variable}, which is not set`,
        )
      return url
    },
    brokers: (variable: string) => otherBrokers(given, variable, readConfig),
  })
}

function webhookOf({
  TIDEMARK_ALERT_WEBHOOK: url,
  TIDEMARK_ALERT_WEBHOOK_SECRET: secret,
}: z.output<typeof Environment>): Config['alertWebhook'] {
  if (url === undefined) return undefined
  if (secret !== undefined) return { url, secret }
  throw new TerminalError(
    'CONFIG_INVALID',
    'TIDEMARK_ALERT_WEBHOOK is set and needs TIDEMARK_ALERT_WEBHOOK_SECRET: whoever receives alerts must be able to tell that they are ours',
  )
}

/** The variables that say how to talk to the topics. */
export const TopicEnvironment = Environment.pick({
  KAFKA_BROKERS: true,
  KAFKA_CLIENT_ID: true,
  KAFKA_SSL: true,
  KAFKA_SASL_MECHANISM: true,
  KAFKA_SASL_USERNAME: true,
  KAFKA_SASL_PASSWORD: true,
  SCHEMA_REGISTRY_URL: true,
  SCHEMA_REGISTRY_USERNAME: true,
  SCHEMA_REGISTRY_PASSWORD: true,
  TIDEMARK_TOPIC_PREFIX: true,
  TIDEMARK_SESSION_TIMEOUT_MS: true,
  TIDEMARK_REPLICATION: true,
})

/** Throws TerminalError (CONFIG_INVALID) with every variable that is missing or wrong, by the name that `nameOf` gives it. */
export function parseVariables<Schema extends z.ZodType>(
  schema: Schema,
  given: Readonly<Record<string, string>>,
  nameOf: (variable: string) => string = (variable) => variable,
): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const reasons = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0])
    const value = given[name]
    if (value === undefined) return `${nameOf(name)} is not set`
    return `${nameOf(name)} is ${isSecret(name) ? 'not right' : JSON.stringify(value)}: ${issue.message}`
  })
  throw new TerminalError('CONFIG_INVALID', [...new Set(reasons)].join('; '), { reasons: [...new Set(reasons)] })
}

/** Throws TerminalError (CONFIG_INVALID) when a login is named and not given. */
export function topicsOf(values: z.output<typeof TopicEnvironment>): TopicConfig {
  if (values.KAFKA_SASL_MECHANISM !== undefined && (!values.KAFKA_SASL_USERNAME || !values.KAFKA_SASL_PASSWORD))
    throw new TerminalError(
      'CONFIG_INVALID',
      `KAFKA_SASL_MECHANISM is "${values.KAFKA_SASL_MECHANISM}" and needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD`,
    )
  return {
    kafka: {
      brokers: values.KAFKA_BROKERS,
      clientId: values.KAFKA_CLIENT_ID,
      ssl: values.KAFKA_SSL,
      sasl:
        values.KAFKA_SASL_MECHANISM === undefined
          ? undefined
          : {
              mechanism: values.KAFKA_SASL_MECHANISM,
              username: values.KAFKA_SASL_USERNAME ?? '',
              password: values.KAFKA_SASL_PASSWORD ?? '',
            },
      sessionTimeoutMs: values.TIDEMARK_SESSION_TIMEOUT_MS,
      replication: values.TIDEMARK_REPLICATION,
    },
    registry:
      values.SCHEMA_REGISTRY_URL === undefined
        ? undefined
        : {
            url: values.SCHEMA_REGISTRY_URL,
            username: values.SCHEMA_REGISTRY_USERNAME,
            password: values.SCHEMA_REGISTRY_PASSWORD,
          },
    topicPrefix: values.TIDEMARK_TOPIC_PREFIX,
  }
}

/** True for variables whose value is, or holds, a password: a wrong one is not shown. */
export const isSecret = (variable: string): boolean => /PASSWORD|SECRET|_URL$|WEBHOOK$/.test(variable)

/** Reads NAME_FILE into NAME where only the former is set: secrets mounted as files. Empty values count as not set. */
export function withFiles(env: NodeJS.ProcessEnv): Record<string, string> {
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') given[name] = value
  for (const name of Object.keys(Environment.shape)) {
    const file = given[`${name}_FILE`]
    if (file === undefined || given[name] !== undefined) continue
    try {
      given[name] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      throw new TerminalError('CONFIG_INVALID', `${name}_FILE is "${file}", which cannot be read`, { cause: error })
    }
  }
  return given
}

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startStack } from '../../src/stack/start-stack.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
/** The main job. */
export const flights = join(root, 'examples', 'flights')

/** One Kafka broker and one Postgres, empty, for a bench alone. */
export interface BenchServers {
  readonly databaseUrl: string
  /** Of a process that works on them; topics and tables of different names do not see each other. */
  env(name?: string): NodeJS.ProcessEnv
  stop(): Promise<void>
}

export async function startBenchServers(): Promise<BenchServers> {
  const stack = await startStack({
    dir: join(root, '.tidemark/bench'),
    want: { kafka: true, postgres: true, registry: false },
    reset: true,
    env: process.env,
    log: (line) => console.error(line),
  })
  const { databaseUrl = '', kafkaBrokers = [] } = stack
  return {
    databaseUrl,
    env: (name) => ({
      ...process.env,
      KAFKA_BROKERS: kafkaBrokers.join(','),
      DATABASE_URL: databaseUrl,
      ...(name === undefined ? {} : { TIDEMARK_TOPIC_PREFIX: name, TIDEMARK_SCHEMA: name }),
    }),
    stop: () => stack.stop(),
  }
}

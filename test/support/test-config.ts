import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { type Config, readConfig } from '../../src/process/config.ts'

/** Configuration for the shared stack with topics, groups and tables that no other test uses. */
export function testConfig(more: Record<string, string> = {}): Config {
  const own = randomUUID().slice(0, 8)
  return readConfig({
    KAFKA_BROKERS: inject('KAFKA_BROKERS'),
    DATABASE_URL: inject('DATABASE_URL'),
    TIDEMARK_TOPIC_PREFIX: `test-${own}`,
    TIDEMARK_SCHEMA: `test_${own}`,
    LOG_LEVEL: 'silent',
    ...more,
  })
}

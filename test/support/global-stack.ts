// One embedded stack for all tests of a run that need servers. Vitest calls this once per project: the first starts the
// stack, the last one stops it and removes its folder.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type Stack, startStack } from '../../src/stack/start-stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Comma-separated, as in the environment. */
    KAFKA_BROKERS: string
    DATABASE_URL: string
    SCHEMA_REGISTRY_URL: string
  }
}

const dir = join(import.meta.dirname, '..', '..', '.tidemark', `test-${process.pid}`)

// This module is loaded anew for each project; the process is what they share.
const shared = globalThis as typeof globalThis & { tidemarkTestStack?: { users: number; starting: Promise<Stack> } }

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.tidemarkTestStack ??= { users: 0, starting: start() }
  const own = shared.tidemarkTestStack
  own.users += 1
  const { kafkaBrokers = [], databaseUrl = '', schemaRegistryUrl = '', stop } = await own.starting
  project.provide('KAFKA_BROKERS', kafkaBrokers.join(','))
  project.provide('DATABASE_URL', databaseUrl)
  project.provide('SCHEMA_REGISTRY_URL', schemaRegistryUrl)
  return async () => {
    own.users -= 1
    if (own.users > 0) return
    delete shared.tidemarkTestStack
    await stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

function start(): Promise<Stack> {
  return startStack({
    dir,
    want: { kafka: true, postgres: true, registry: true },
    reset: true,
    env: process.env,
    log: (line) => console.error(`[stack] ${line}`),
  })
}

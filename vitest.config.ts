import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const withServers = ['test/conformance/**/*.test.ts', 'test/integration/**/*.test.ts']
const byOtherCommands = ['test/bench/**']

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tidemark$/, replacement: file('src/index.ts') },
      { find: /^tidemark\/(postgres|kafka|files|client)$/, replacement: file('src/entry/$1.ts') },
    ],
  },
  test: {
    // The servers run beside the tests, on as few as two cores.
    maxWorkers: 2,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...withServers, ...byOtherCommands],
          // A file takes what the one before has loaded: all of them load longer than they run.
          isolate: false,
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          globalSetup: ['test/support/global-stack.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/global-stack.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})

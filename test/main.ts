// npm test [unit|conformance|integration]: the checks of `npm run check` and the tests, each check counted as a test.
// The last line of standard output is always "N passed, N failed". Ends with 1 when anything failed or nothing ran.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startVitest, type TestModule, type Vitest } from 'vitest/node'
import { runChecks } from '../tools/check-steps.ts'

// Some hundred processes are started, which on two cores is what most of the time goes into: what one has compiled the
// others need not.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache')

const projects = ['unit', 'conformance', 'integration']
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !projects.includes(name))
if (unknown.length > 0) {
  console.error(`"${unknown.join(' ')}" names no tests; there are ${projects.join(', ')}`)
  process.exit(2)
}

interface Count {
  passed: number
  failed: number
}

function countModule(module: TestModule, count: Count): void {
  const states = [...module.children.allTests()].map((test) => test.result().state)
  const failed = states.filter((state) => state === 'failed').length
  count.passed += states.filter((state) => state === 'passed').length
  // A file that failed without a failed test (it does not load, a hook of it threw) is one failure.
  count.failed += failed === 0 && module.state() === 'failed' ? 1 : failed
}

async function runTests(): Promise<Count> {
  const count = { passed: 0, failed: 0 }
  let vitest: Vitest
  try {
    const names = wanted.length > 0 ? wanted : projects
    vitest = await startVitest('test', [], { run: true, watch: false, project: names, passWithNoTests: true })
  } catch (error) {
    console.error(error)
    return { passed: 0, failed: 1 }
  }
  for (const module of vitest.state.getTestModules()) countModule(module, count)
  count.failed += vitest.state.getUnhandledErrors().length
  await vitest.close()
  return count
}

process.on('disconnect', () => process.exit(1))

const shown: string[] = []
const checking: Promise<Count> =
  wanted.length === 0 ? runChecks((line) => shown.push(line), true) : Promise.resolve({ passed: 0, failed: 0 })
// Tests wait for servers now and then: checks run meanwhile. What they found stands at the end.
const [tests, checks] = await Promise.all([runTests(), checking])
for (const line of shown) console.log(line)
const passed = checks.passed + tests.passed
const failed = checks.failed + tests.failed
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && tests.passed > 0 ? 0 : 1)

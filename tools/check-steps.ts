// The checks that need no server, each a command. `npm run check` and `npm test` run the same list.
import { spawn } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

const steps: readonly Step[] = [
  { name: 'format', command: [bin('biome'), 'check', '--error-on-warnings', '--reporter=summary'] },
  { name: 'types', command: [bin('tsc'), '--project', 'tsconfig.json'] },
  { name: 'lint', command: [bin('eslint'), '--max-warnings=0'] },
  { name: 'unused', command: [bin('knip')] },
  { name: 'package', command: [process.execPath, join(root, 'tools', 'package-check.ts')] },
]

/**
 * Runs every step, two at a time; shows what a step printed only when it failed. Returns how many held and how many not.
 * `isAside`: only with the processor time that nothing else wants.
 */
export async function runChecks(
  show: (line: string) => void,
  isAside = false,
): Promise<{ passed: number; failed: number }> {
  const waiting = [...steps]
  const count = { passed: 0, failed: 0 }
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const began = performance.now()
      const { ok, output } = await run(step, isAside)
      count[ok ? 'passed' : 'failed'] += 1
      if (!ok) show(output.trimEnd())
      show(`${ok ? 'ok    ' : 'FAILED'} ${step.name} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
    }
  }
  await Promise.all([work(), work()])
  return count
}

function run({ command: [file, ...args] }: Step, isAside: boolean): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    if (isAside && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    let output = ''
    const add = (part: Buffer): void => {
      output += part.toString()
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.once('error', (error) => resolve({ ok: false, output: `${output}${error.message}` }))
    child.once('close', (code) => resolve({ ok: code === 0, output }))
  })
}

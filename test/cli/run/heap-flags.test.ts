import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { heapFlagsOf } from '../../../src/cli/run/heap-flags.ts'

it('leaves to the user what the user gave', () => {
  expect(heapFlagsOf('planner', '--enable-source-maps --max-old-space-size=300')).toEqual(['--max-semi-space-size=2'])
  expect(heapFlagsOf('worker', '')).toEqual([])
})

it('is what Node understands, on the command line and in the environment', () => {
  const flags = heapFlagsOf('planner', '')
  expect(flags).not.toEqual([])
  const program = ['-e', 'console.log(require("v8").getHeapStatistics().heap_size_limit >> 20)']
  const [given, inherited] = [
    spawnSync(process.execPath, [...flags, ...program]),
    spawnSync(process.execPath, program, { env: { ...process.env, NODE_OPTIONS: flags.join(' ') } }),
  ]
  for (const { status, stdout } of [given, inherited]) {
    expect(status).toBe(0)
    expect(Number(stdout.toString())).toBeLessThan(1_100)
  }
})

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type BenchStack, startBenchStack } from '../chaos/bench-stack.ts'

/** Servers that this test alone uses, because it hurts them. Their folder is kept when the test fails. */
export async function ownBenchStack(name: string): Promise<BenchStack> {
  const folder = join(import.meta.dirname, '..', '..', '.tidemark', `${name}-${process.pid}`)
  const stack = await startBenchStack(folder, () => {})
  onTestFinished(async ({ task }) => {
    await stack.stop()
    if (task.result?.state === 'pass') rmSync(folder, { recursive: true, force: true })
  })
  return stack
}

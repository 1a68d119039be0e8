import type { BenchStack } from './bench-stack.ts'
import { startFaultBench } from './fault-bench.ts'
import { findingOf } from './seed-fault.ts'

/** Runs to which nothing is done, with several workers, one after the other; returns what was told of them all the same. */
export async function cleanRuns(stack: BenchStack, runs: number): Promise<readonly string[]> {
  const bench = await startFaultBench(stack, { name: 'clean' })
  try {
    await bench.workers(['worker-1', 'worker-2', 'worker-3'])
    for (let at = 0; at < runs; at += 1) {
      // Some are over between two looks, others are looked at while they are worked on.
      const runId = await bench.start(at % 2 === 0 ? 0 : 100)
      await bench.ended(runId)
    }
    // Also when they are over, and when workers leave in order.
    await bench.stopWorkers()
    const began = Date.now()
    await bench.until('finished runs were looked at again', async () => Date.now() - began > 5_000)
    return bench.events.flatMap((event) => findingOf(event) ?? [])
  } finally {
    await bench.stop()
  }
}

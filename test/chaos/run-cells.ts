import type { BenchStack } from './bench-stack.ts'
import type { Cell } from './cells.ts'
import { type CellResult, runCell } from './run-cell.ts'

/** Runs cells, some of them side by side; those that restart a server alone, after the others. */
export async function runCells(
  stack: BenchStack,
  cells: readonly Cell[],
  rounds: number,
  atOnce: number,
  note: (line: string) => void,
): Promise<readonly CellResult[]> {
  const results: CellResult[] = []
  const isAlone = ({ happening }: Cell): boolean => happening.kind === 'restart' || happening.kind === 'broker'
  for (let round = 1; round <= rounds; round += 1) {
    const run = async (cell: Cell): Promise<void> => {
      const result = await runCell(stack, cell, round)
      results.push(result)
      const { id, violations, tookMs } = result
      note(
        `${violations.length === 0 ? 'ok    ' : 'FAILED'} ${id.padEnd(28)} ${(tookMs / 1000).toFixed(1).padStart(6)} s`,
      )
      for (const { invariant, what } of violations.slice(0, 8)) note(`         ${invariant}: ${what}`)
    }
    const waiting = cells.filter((cell) => !isAlone(cell))
    const work = async (): Promise<void> => {
      for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) await run(cell)
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    for (const cell of cells.filter(isAlone)) await run(cell)
  }
  return results
}

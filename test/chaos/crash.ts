// npm run crash [-- --json] [--only CELL …] [--repeat N]: the crash matrix on servers of its own, a table of its cells,
// and exit code 0 only when nothing in any of them contradicts an invariant.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBenchCluster } from './bench-cluster.ts'
import { startBenchStack } from './bench-stack.ts'
import { cellsOf, needsCluster } from './cells.ts'
import type { CellResult } from './run-cell.ts'
import { runCells } from './run-cells.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    repeat: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '2' },
  },
})
const chosen = cellsOf(values.only)
if (chosen.length === 0) {
  console.error(`no cell is called ${values.only.join(', ')}: a cell is called kill/W4/1, or a kind of cells kill`)
  process.exit(2)
}
const folder = join(import.meta.dirname, '..', '..', '.tidemark', `crash-${process.pid}`)
const note = (line: string): void => console.error(line)
const results: CellResult[] = []
for (const [servers, start, cells] of [
  ['broker', startBenchStack, chosen.filter((cell) => !needsCluster(cell))],
  ['cluster', startBenchCluster, chosen.filter(needsCluster)],
] as const) {
  if (cells.length === 0) continue
  const stack = await start(join(folder, servers), note)
  results.push(...(await runCells(stack, cells, Number(values.repeat), Number(values['at-once']), note)))
  await stack.stop()
}
const failed = results.filter(({ violations }) => violations.length > 0)
if (failed.length === 0) rmSync(folder, { recursive: true, force: true })
else note(`what the processes said is kept in ${folder}`)
const kinds = [...new Set(results.map(({ id }) => id.split('/')[0] ?? ''))]
const counted = Object.fromEntries(
  kinds.map((kind) => [kind, results.filter(({ id }) => id.startsWith(`${kind}/`)).length]),
)
if (values.json) console.log(JSON.stringify({ cells: results.length, failed, kinds: counted }))
else console.log(`${results.length} cells, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)

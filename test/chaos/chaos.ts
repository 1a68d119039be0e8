// npm run chaos -- --minutes M --seed S --workers N [--only KIND...] [--json]: random harm to every part of a system that
// works, by a schedule that the seed determines; then every invariant. `--only kill` leaves out all that is no kill: how long
// lanes stand still after one says more when nothing else is wrong. Exit code 0 only when all of them hold and every run ended.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBenchStack } from './bench-stack.ts'
import { chaosReport, chaosTable } from './chaos-report.ts'
import { runChaos } from './run-chaos.ts'
import { actKinds } from './schedule.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
})
const kinds = actKinds.filter((kind) => values.only.length === 0 || values.only.includes(kind))
const unknown = values.only.filter((kind) => !actKinds.some((known) => known === kind))
if (unknown.length > 0) {
  console.error(`--only takes ${actKinds.join(', ')}, not ${unknown.join(', ')}`)
  process.exit(2)
}
const [minutes, seed, workers] = [Number(values.minutes), Number(values.seed), Number(values.workers)]
if (!(minutes > 0) || !Number.isSafeInteger(seed) || !(workers >= 1)) {
  console.error('--minutes takes a number above 0, --seed a whole number, --workers a number from 1')
  process.exit(2)
}
const folder = join(import.meta.dirname, '..', '..', '.tidemark', `chaos-${process.pid}`)
const note = (line: string): void => console.error(line)
const only = values.only.map((kind) => ` --only ${kind}`).join('')
note(
  `seed ${seed}: npm run chaos -- --minutes ${minutes} --seed ${seed} --workers ${workers}${only} does the same again`,
)
const stack = await startBenchStack(folder, note)
const outcome = await runChaos(stack, { seed, durationMs: minutes * 60_000, workers, kinds, note })
await stack.stop()
const report = chaosReport(seed, outcome)
for (const { invariant, what } of outcome.violations.slice(0, 50)) note(`${invariant}: ${what}`)
for (const [after, recoveries] of [
  ['a SIGKILL', outcome.afterKill],
  ['a SIGKILL, and it stays away', outcome.afterLoss],
  ['a SIGTERM', outcome.afterStop],
] as const)
  for (const { death, ms, undisturbedMs, amid } of recoveries.toSorted((a, b) => a.ms - b.ms))
    note(
      `after ${after} the lanes of ${death.worker} ran again in ${ms} ms, ${undisturbedMs} ms undisturbed: ${amid.join(', ') || 'nothing else meanwhile'}`,
    )
if (values.json) console.log(JSON.stringify(report))
else console.log(chaosTable(report))
const holds = outcome.violations.length === 0 && report.runsTerminal === report.runs
if (holds) rmSync(folder, { recursive: true, force: true })
else note(`what the processes said is kept in ${folder}`)
process.exit(holds ? 0 : 1)

// npm run seeded-faults [-- --json] [--only WORD]: seeds one fault after the other into small systems that are otherwise
// well, and then runs to which nothing is done. Exit code 0 only when each fault was found as what it is, and nothing else.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { certificateOf } from '../../src/compose.ts'
import { silentLog } from '../support/silent-log.ts'
import { startBenchStack } from './bench-stack.ts'
import { cleanRuns } from './clean-runs.ts'
import { startFaultBench } from './fault-bench.ts'
import { eventFaults, ledgerFaults } from './faults-events.ts'
import { offsetFaults } from './faults-offsets.ts'
import { rowFaults, taskFaults } from './faults-rows.ts'
import { type Certify, sinkFaults } from './faults-sink.ts'
import { type Fault, type FaultResult, seedFault } from './seed-fault.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    'at-once': { type: 'string', default: '2' },
  },
})
const folder = join(import.meta.dirname, '..', '..', '.tidemark', `faults-${process.pid}`)
const note = (line: string): void => console.error(line)
const cleanCount = 10

const groups: readonly { readonly name: string; readonly faults: readonly Fault[]; readonly hasOwnLedger?: boolean }[] =
  [
    { name: 'ledger', faults: ledgerFaults, hasOwnLedger: true },
    { name: 'offsets', faults: offsetFaults },
    { name: 'rows', faults: [...rowFaults, ...taskFaults] },
    { name: 'events', faults: eventFaults },
  ]

const stack = await startBenchStack(folder, note)
const results: FaultResult[] = []
const falseFindings: string[] = []

const runGroup = async ({ name, faults, hasOwnLedger = false }: (typeof groups)[number]): Promise<void> => {
  const chosen = faults.filter((fault) => fault.name.includes(values.only))
  if (chosen.length === 0) return
  const bench = await startFaultBench(stack, { name, hasOwnLedger })
  try {
    await bench.workers(['worker-1', 'worker-2'])
    for (const fault of chosen) {
      const result = await seedFault(bench, fault)
      results.push(result)
      note(line(result))
      if (result.problem !== null) note(`         ${result.problem}`)
      if (result.falseFindings.length > 0) note(`         besides: ${result.falseFindings.join(', ')}`)
    }
  } finally {
    await bench.stop()
  }
}

/** What the supervisor does not look at, the certificate of the run finds. */
const runSinkFaults = async (): Promise<void> => {
  const bench = await startFaultBench(stack, { name: 'sink', hasOwnLedger: false })
  try {
    await bench.workers(['worker-1', 'worker-2'])
    const certify: Certify = (runId) =>
      certificateOf(bench.world.config, { runId, withSource: false }, silentLog, new AbortController().signal)
    for (const { fault, isFound, foundAs } of await sinkFaults(bench, certify)) {
      const result: FaultResult = {
        ...{ fault, isFound, foundAs: [foundAs], afterMs: null, repair: null, isRepaired: false },
        ...{ problem: null, falseFindings: [] },
      }
      results.push(result)
      note(line(result))
    }
  } finally {
    await bench.stop()
  }
}

const line = ({ fault, isFound, foundAs, afterMs, repair, isRepaired }: FaultResult): string =>
  [
    isFound ? 'found ' : 'MISSED',
    fault.padEnd(58),
    (foundAs.length === 0 ? 'taken in' : [...new Set(foundAs)].join(', ')).padEnd(48),
    (afterMs === null ? '' : `${(afterMs / 1000).toFixed(1)} s`).padStart(7),
    isRepaired ? repair : repair === null ? '' : 'NOT REPAIRED',
  ].join('  ')

const work: (() => Promise<void>)[] = groups.map((group) => () => runGroup(group))
if (values.only === '')
  work.push(runSinkFaults, async () => {
    const found = await cleanRuns(stack, cleanCount)
    falseFindings.push(...found)
    note(`${cleanCount} clean runs: ${found.length === 0 ? 'nothing was found' : `found ${found.join(', ')}`}`)
  })
const began = performance.now()
const workers = Array.from({ length: Number(values['at-once']) }, async () => {
  for (let next = work.shift(); next !== undefined; next = work.shift()) await next()
})
const failures = (await Promise.allSettled(workers)).flatMap((done) =>
  done.status === 'rejected' ? [done.reason] : [],
)
for (const failure of failures) console.error(failure)
await stack.stop()

falseFindings.push(...results.flatMap((result) => result.falseFindings))
const counted = {
  faults: results.length,
  found: results.filter(({ isFound }) => isFound).length,
  repaired: results.filter(({ isRepaired }) => isRepaired).length,
  falseFindings: falseFindings.length,
}
const isWell =
  failures.length === 0 &&
  counted.found === counted.faults &&
  counted.falseFindings === 0 &&
  results.every(({ repair, isRepaired }) => repair === null || isRepaired)
if (isWell) rmSync(folder, { recursive: true, force: true })
else note(`what the processes said is kept in ${folder}`)
if (values.json) console.log(JSON.stringify(counted))
else
  console.log(
    [
      ...results.map(line),
      `${counted.found} of ${counted.faults} faults found, ${counted.repaired} repaired, ${counted.falseFindings} false findings, ${((performance.now() - began) / 60_000).toFixed(1)} min`,
    ].join('\n'),
  )
process.exit(isWell ? 0 : 1)

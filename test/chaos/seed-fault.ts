// A fault is seeded into a system that is otherwise well; then what is told of it is held against what should be.
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../src/contract/errors.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { FaultBench } from './fault-bench.ts'

export interface Fault {
  readonly name: string
  /** What must be told of it, and nothing else; empty: the system takes it in without a word, and `mended` shows so. */
  readonly findings: readonly string[]
  /** How it is mended; null: it cannot be, a person is told what to do. */
  readonly repair: string | null
  /** Does the damage, in a run of its own; resolves when it is done, with that run. */
  seed(bench: FaultBench, damaged: () => void): Promise<string>
  /** Whether all is well again. */
  mended(bench: FaultBench, runId: string): Promise<boolean>
}

export interface FaultResult {
  readonly fault: string
  readonly isFound: boolean
  readonly foundAs: readonly string[]
  /** From the damage to the first word of it. */
  readonly afterMs: number | null
  readonly repair: string | null
  readonly isRepaired: boolean
  /** What was told besides. */
  readonly falseFindings: readonly string[]
  readonly problem: string | null
}

/** Long enough for what is late: several looks, and the patience of the supervisor. */
const quietMs = 4_000
const withinMs = 60_000

/** What an event says of something that is not as it should be; null for all others. */
export function findingOf(event: StatusEvent): string | null {
  switch (event.type) {
    case 'alert.raised':
      return `alert ${event.kind}`
    case 'repair.made':
      return `repair ${event.kind}`
    case 'partition.republished':
      return 'partition published again'
    case 'worker.lost':
      return 'worker lost'
    default:
      return null
  }
}

const findingsIn = (events: readonly StatusEvent[]): { what: string; at: number }[] =>
  events.flatMap((event) => {
    const what = findingOf(event)
    return what === null ? [] : [{ what, at: Date.parse(event.at) }]
  })

export async function seedFault(bench: FaultBench, fault: Fault): Promise<FaultResult> {
  const from = bench.events.length
  let damagedAt = Date.now()
  let [isRepaired, problem] = [false, null as string | null]
  const told = (): readonly string[] => findingsIn(bench.events.slice(from)).map(({ what }) => what)
  try {
    const runId = await fault.seed(bench, () => {
      damagedAt = Date.now()
    })
    await bench.until(
      'everything is told that must be',
      async () => missing(fault.findings, told()).length === 0,
      withinMs,
    )
    if (fault.repair !== null || fault.findings.length === 0) {
      await bench.until('it is mended', () => fault.mended(bench, runId), withinMs)
      isRepaired = fault.repair !== null
    }
  } catch (error) {
    problem = messageOf(error)
  }
  await sleep(quietMs)
  const first = findingsIn(bench.events.slice(from)).find(({ what }) => fault.findings.includes(what))
  return {
    fault: fault.name,
    isFound: problem === null && missing(fault.findings, told()).length === 0,
    foundAs: fault.findings,
    afterMs: first === undefined ? null : Math.max(0, first.at - damagedAt),
    ...{ repair: fault.repair, isRepaired, problem },
    falseFindings: missing(told(), fault.findings),
  }
}

/** Of these what is not among others, each as often as it is more often there. */
function missing(wanted: readonly string[], there: readonly string[]): readonly string[] {
  const left = [...there]
  return wanted.filter((what) => {
    const at = left.indexOf(what)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

import type { Role } from '../../src/compose.ts'
import { messageOf } from '../../src/contract/errors.ts'
import type { MarkName } from '../../src/process/marks.ts'
import type { BenchStack } from './bench-stack.ts'
import { type Cell, needsCluster } from './cells.ts'
import { happen } from './happen.ts'
import { type Violation, violationsOf } from './invariants.ts'
import { type Observer, observe } from './observer.ts'
import type { Part, Ports } from './processes.ts'
import { settle } from './settle.ts'
import { createWorld, type Shape, type World, type WorldOptions } from './small-world.ts'
import { startParts } from './start-parts.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export interface CellResult {
  readonly id: string
  readonly violations: readonly Violation[]
  readonly tookMs: number
}

/** A cell while it runs. */
export interface Running {
  readonly stack: BenchStack
  readonly cell: Cell
  readonly world: World
  /** In front of the only broker. */
  readonly kafka: TcpProxy | null
  readonly postgres: TcpProxy
  readonly observer: Observer
  readonly ports: Ports
  readonly parts: Part[]
}

const small: Shape = { partitions: 12, chunksPerPartition: 10, chunkRows: 40 }
const wide: Shape = { partitions: 600, chunksPerPartition: 1, chunkRows: 2 }
/** With time for a copy of a task to be taken up while another one is in the middle of its partition. */
const few: Shape = { partitions: 18, chunksPerPartition: 10, chunkRows: 40 }
const [sessionTimeoutMs, shortSessionMs] = [4_000, 3_000]
const longSessionMs = 20_000
const [leaseMs, shortLeaseMs] = [10_000, 1_500]
/** Frozen or cut off for longer than session and lease. */
export const pastSessionMs = shortSessionMs + 1_500
const endLimitMs = 60_000

const roles: Readonly<Partial<Record<MarkName, Role | 'client'>>> = {
  R0: 'client',
  C1: 'planner',
  C2: 'supervisor',
  C3: 'worker',
  C4: 'supervisor',
  P1: 'worker',
  P2: 'planner',
}
const rolesByLetter: Readonly<Record<string, Role>> = { R: 'planner', W: 'worker', L: 'ledger', Q: 'supervisor' }

/** Who passes a mark. */
export const roleOf = (mark: MarkName): Role | 'client' => roles[mark] ?? rolesByLetter[mark.charAt(0)] ?? 'worker'

/** One cell of the matrix: a small backfill, one thing that goes wrong, and what is true when all is quiet again. */
export async function runCell(stack: BenchStack, cell: Cell, round: number): Promise<CellResult> {
  const began = performance.now()
  const took = (): number => Math.round(performance.now() - began)
  const world = await createWorld(stack, {
    name: `${cell.id.replaceAll('/', '-')}-${round}`.toLowerCase(),
    ...optionsOf(cell),
  })
  const kafka = needsCluster(cell) ? null : await stack.proxy('kafka')
  const postgres = await stack.proxy('postgres')
  const observer = await observe(world)
  const ports = { kafkaPort: kafka?.port ?? null, postgresPort: postgres.port }
  const parts: Part[] = []
  try {
    const running = { ...{ stack, cell, world, kafka, postgres, observer, ports, parts } }
    const started = await startParts(running)
    const happened = await happen(running, started)
    const facts = await settle({ ...{ world, observer, parts, endLimitMs }, ...happened })
    return { id: cell.id, violations: violationsOf(facts), tookMs: took() }
  } catch (error) {
    return { id: cell.id, violations: [{ invariant: 'bench', what: messageOf(error) }], tookMs: took() }
  } finally {
    for (const part of parts) part.kill()
    await Promise.all(parts.map((part) => part.stop(0)))
    await observer.stop()
    await Promise.all([kafka?.stop(), postgres.stop()])
    await world.remove().catch(() => {})
  }
}

function optionsOf(cell: Cell): Omit<WorldOptions, 'name'> {
  const { happening, harm, isWide = false, refuses = false } = cell
  if (happening.kind === 'lapse')
    return { backfills: { small: few }, pauseMs: 300, sessionTimeoutMs: longSessionMs, leaseMs: shortLeaseMs }
  const isShort =
    harm?.act === 'freeze' || isIntent(cell) || happening.kind === 'fault' || happening.kind === 'failover'
  return {
    refuses,
    backfills: { small: isWide ? wide : small },
    pauseMs: pauseMsOf(cell),
    sessionTimeoutMs: isShort ? shortSessionMs : sessionTimeoutMs,
    leaseMs: isShort ? shortLeaseMs : leaseMs,
  }
}

const isIntent = ({ happening: { kind } }: Cell): boolean => kind === 'intent' || kind === 'oldIntents'

/** How long each chunk takes at least: a run must last until what is to happen to it has happened. */
function pauseMsOf(cell: Cell): number {
  const { happening, harm, isWide = false } = cell
  // Until a member without heartbeats would have ended.
  if (happening.kind === 'clock') return 300
  // Until brokers have taken over what another one led.
  if (happening.kind === 'broker') return 120
  // Until another planner tells what is wanted, when the first one dies.
  if (isIntent(cell)) return harm !== null && roleOf(harm.mark) === 'planner' ? 200 : 40
  return isWide ? 0 : 40
}

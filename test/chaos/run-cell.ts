import { setTimeout as sleep } from 'node:timers/promises'
import type { Role } from '../../src/compose.ts'
import { connectClient } from '../../src/compose.ts'
import { messageOf } from '../../src/contract/errors.ts'
import type { MarkName } from '../../src/process/marks.ts'
import { silentLog } from '../support/silent-log.ts'
import type { BenchStack } from './bench-stack.ts'
import type { Cell } from './cells.ts'
import { type Violation, violationsOf } from './invariants.ts'
import { type Observer, observe } from './observer.ts'
import { type Part, type Ports, request, startPart } from './processes.ts'
import { settle } from './settle.ts'
import { createWorld, type Shape, type World } from './small-world.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export interface CellResult {
  readonly id: string
  readonly violations: readonly Violation[]
  readonly tookMs: number
}

const small: Shape = { partitions: 12, chunksPerPartition: 10, chunkRows: 40 }
const wide: Shape = { partitions: 600, chunksPerPartition: 1, chunkRows: 2 }
/** With time for a copy of a task to be taken up while another one is in the middle of its partition. */
const few: Shape = { partitions: 14, chunksPerPartition: 10, chunkRows: 40 }
const slots = 2
const [sessionTimeoutMs, shortSessionMs] = [4_000, 3_000]
const longSessionMs = 20_000
const [leaseMs, shortLeaseMs] = [10_000, 1_500]
/** Frozen or cut off for longer than session and lease. */
const pastSessionMs = shortSessionMs + 1_500
const harmWithinMs = 45_000
const endLimitMs = 60_000

const roleOf = (mark: MarkName): Role | 'client' => {
  if (mark === 'R0') return 'client'
  if (mark.startsWith('R')) return 'planner'
  if (mark.startsWith('W')) return 'worker'
  return mark.startsWith('L') ? 'ledger' : 'supervisor'
}

/** One cell of the matrix: a small backfill, one thing that goes wrong, and what is true when all is quiet again. */
export async function runCell(stack: BenchStack, cell: Cell, round: number): Promise<CellResult> {
  const began = performance.now()
  const took = (): number => Math.round(performance.now() - began)
  const isLapse = cell.happening.kind === 'lapse'
  const isShort = cell.happening.kind === 'freeze' || cell.happening.kind === 'fault'
  const world = await createWorld(stack, {
    name: `${cell.id.replaceAll('/', '-')}-${round}`.toLowerCase(),
    backfills: { small: isLapse ? few : cell.isWide === true ? wide : small },
    pauseMs: isLapse ? 300 : cell.isWide === true ? 0 : 40,
    sessionTimeoutMs: isLapse ? longSessionMs : isShort ? shortSessionMs : sessionTimeoutMs,
    leaseMs: isShort || isLapse ? shortLeaseMs : leaseMs,
  })
  const [kafka, postgres] = await Promise.all([stack.proxy('kafka'), stack.proxy('postgres')])
  const observer = await observe(world)
  const ports = { kafkaPort: kafka.port, postgresPort: postgres.port }
  const parts: Part[] = []
  try {
    const running = { ...{ stack, cell, world, kafka, postgres, observer, ports, parts } }
    const started = await startParts(running)
    const happened = await happen(running, started)
    const facts = await settle({
      ...{ world, observer, parts, endLimitMs },
      // Whatever ran where something died, was lost or was cut off is read again.
      tasksHurt: happened.hurt,
    })
    return { id: cell.id, violations: violationsOf(facts), tookMs: took() }
  } catch (error) {
    return { id: cell.id, violations: [{ invariant: 'bench', what: messageOf(error) }], tookMs: took() }
  } finally {
    for (const part of parts) part.kill()
    await Promise.all(parts.map((part) => part.stop(0)))
    await observer.stop()
    await Promise.all([kafka.stop(), postgres.stop()])
    await world.remove().catch(() => {})
  }
}

interface Running {
  readonly stack: BenchStack
  readonly cell: Cell
  readonly world: World
  readonly kafka: TcpProxy
  readonly postgres: TcpProxy
  readonly observer: Observer
  readonly ports: Ports
  readonly parts: Part[]
}

interface Started {
  /** The one that hurts itself; undefined: it is the client, which is over by now. */
  readonly hurt: Part | undefined
  /** Starts the second worker, once. */
  secondWorker(): Part
}

/** The part that hurts itself comes first, so that it passes its mark; a second worker takes what is left. */
async function startParts(running: Running): Promise<Started> {
  const { cell, world, ports, parts } = running
  const role = cell.harm === null ? 'worker' : roleOf(cell.harm.mark)
  const comesBack = !('comesBack' in cell.happening) || cell.happening.comesBack
  const start = (name: string, roles: readonly Role[], isHurt = false): Part => {
    const harm = isHurt ? { harm: cell.harm, restart: comesBack } : {}
    // One that is frozen for the sake of its lease works on one task, or others wait for the transaction of a second one.
    const own = isHurt && cell.happening.kind === 'lapse' ? 1 : slots
    const part = startPart(world, ports, { name, roles, slots: own, ...harm })
    parts.push(part)
    return part
  }
  let second: Part | undefined
  const secondWorker = (): Part => (second ??= start('worker-2', ['worker']))
  const rest = (['planner', 'ledger', 'supervisor'] as const).filter((other) => other !== role)

  if (cell.loss !== undefined) {
    const hurt = await startAfterLoss(running, cell.loss, start)
    return { hurt, secondWorker }
  }
  start('rest', rest)
  const hurt = role === 'client' ? undefined : start(`${role}-1`, [role], true)
  if (role !== 'worker') start('worker-1', ['worker'])
  if (cell.happening.kind === 'lapse') {
    const both = [hurt, secondWorker()]
    await until('both workers are in the group', () => both.every((part) => part?.isReady()))
  }
  if (role === 'client') {
    const { tries } = await request(world, ports, 'small', cell.harm)
    if (tries === 1) throw new Error('the client was not killed: its mark was not passed')
  } else await submit(world)
  const first = parts.find(({ name }) => name === 'worker-1')
  await until('the first worker is ready', () => first?.isReady() === true || (first?.deaths() ?? 0) > 0)
  if (cell.happening.kind !== 'rebalance') secondWorker()
  return { hurt, secondWorker }
}

async function submit(world: World): Promise<void> {
  const client = await connectClient(world.config, silentLog)
  for (const { id } of world.backfills)
    await client.submit({
      ...{ version: 1, type: 'start', requestKey: `${world.name}/${id}`, backfill: id },
      params: { pauseMs: world.pauseMs },
    })
  await client.close()
}

async function cancelRun(world: World): Promise<void> {
  const [run] = await world.sql<{ id: string }>('select id from :schema.run')
  if (run === undefined) throw new Error('there is no run to cancel')
  const client = await connectClient(world.config, silentLog)
  await client.submit({ version: 1, type: 'cancel', requestKey: `${world.name}/cancel`, runId: run.id })
  await client.close()
}

/** Tasks that are gone before anybody read them, or events that are gone before the ledger did. */
async function startAfterLoss(
  { world, observer }: Running,
  loss: 'tasks' | 'events',
  start: (name: string, roles: readonly Role[], isHurt?: boolean) => Part,
): Promise<Part> {
  const ledger = start('ledger', ['ledger'])
  start('planner', ['planner'])
  await submit(world)
  await until('the ledger knows of the plan', async () => {
    const rows = await world.sql('select 1 from :schema.ledger_run where planned_at is not null')
    return rows.length === 1
  })
  if (loss === 'tasks') {
    await until('the tasks have been read', () => observer.hasReadAll())
    await observer.deleteRecords('tasks')
    start('worker-1', ['worker'])
    return start('supervisor-1', ['supervisor'], true)
  }
  await ledger.stop(20_000)
  start('worker-1', ['worker'])
  await until('every partition is completed', async () => {
    const [row] = await world.sql<{ left: string }>(
      `select count(*) as left from :schema.partition p
        where not exists (select from :schema.checkpoint c where c.partition_id = p.partition_id and c.state = 'completed')`,
    )
    return row?.left === '0'
  })
  await until('the events have been read', () => observer.hasReadAll())
  await observer.deleteRecords('status')
  start('ledger-again', ['ledger'])
  return start('supervisor-1', ['supervisor'], true)
}

/** Lets the thing happen; returns how many tasks may have to read their chunk again. */
async function happen(running: Running, { hurt, secondWorker }: Started): Promise<{ readonly hurt: number }> {
  const { cell, kafka, postgres, stack, observer, world, ports, parts } = running
  const { happening, harm } = cell
  if (hurt === undefined || harm === null) return { hurt: 0 }
  const isWorker = roleOf(harm.mark) === 'worker'
  const own = isWorker ? slots : 0
  const all = 2 * slots
  switch (happening.kind) {
    case 'kill':
    case 'rejection':
      await until(`${harm.mark} is passed`, () => hurt.deaths() > 0)
      secondWorker()
      return { hurt: own }
    case 'freeze': {
      await until(`${harm.mark} is passed`, () => hurt.isFrozen())
      if (!isWorker) parts.push(startPart(world, ports, { name: 'backup', roles: hurt.roles }))
      await sleep(pastSessionMs)
      // Behind an open transaction nobody can take over; else somebody does before it goes on.
      if (isWorker) await takenOver(world, harm.mark === 'W3' || harm.mark === 'W4' ? 2_000 : 10_000)
      hurt.thaw()
      return { hurt: own }
    }
    case 'rebalance': {
      await held(hurt, harm.mark)
      const second = secondWorker()
      await until('the second worker has joined', () => second.isReady())
      hurt.goOn()
      return { hurt: 0 }
    }
    case 'message':
      await held(hurt, harm.mark)
      if (happening.what === 'late') {
        hurt.goOn()
        await until('the run has ended', async () => {
          const rows = await world.sql(`select 1 from :schema.run where state = 'completed'`)
          return rows.length === 1
        })
      }
      if (happening.what === 'garbage') await observer.repeatTasks([0], () => ({ version: 1, what: 'no task' }))
      else await observer.repeatTasks(happening.what === 'sameAgain' ? [0] : [1, 7])
      hurt.goOn()
      return { hurt: 0 }
    case 'lapse': {
      await until(`${harm.mark} is passed`, () => hurt.isFrozen())
      const frozen = await world.sql<{ partition_id: string }>(
        `select partition_id from :schema.checkpoint where holder = 'worker-1' and state = 'running'`,
      )
      await observer.repeatTasks([1, 3, 5, 7, 9, 11, 13], (task) =>
        happening.bounds === 'same'
          ? task
          : { ...task, range: { ...task.range, to: String(BigInt(task.range.to) - 100n) } },
      )
      await until('another worker has taken over what it held', async () => {
        const rows = await world.sql(
          `select 1 from :schema.checkpoint where partition_id = any ($1) and holder = 'worker-2'`,
          [frozen.map(({ partition_id }) => partition_id)],
        )
        return rows.length > 0
      })
      hurt.thaw()
      // Each copy that meets a lease that lapsed takes the partition over.
      return { hurt: all * 2 }
    }
    case 'cancel': {
      await held(hurt, harm.mark)
      await cancelRun(world)
      await until('every row of the run is over', async () => {
        const rows = await world.sql(`select 1 from :schema.checkpoint where state in ('pending', 'running')`)
        const over = await world.sql(`select 1 from :schema.checkpoint where state = 'cancelled'`)
        return rows.length === 0 && over.length > 0
      })
      hurt.goOn()
      return { hurt: all }
    }
    case 'restart': {
      await held(hurt, harm.mark)
      const restarting = stack.restart(happening.server, happening.how)
      hurt.goOn()
      await restarting
      return { hurt: all }
    }
    case 'fault': {
      await held(hurt, harm.mark)
      const proxy = happening.server === 'kafka' ? kafka : postgres
      await inflict(proxy, happening.fault, () => hurt.goOn())
      return { hurt: all * 2 }
    }
  }
}

/** No partition is left with the frozen worker. */
async function takenOver(world: World, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs
  const left = async (): Promise<number> =>
    (await world.sql(`select 1 from :schema.checkpoint where holder = 'worker-1' and state = 'running'`)).length
  while (Date.now() < deadline && (await left()) > 0) await sleep(100)
}

async function inflict(
  proxy: TcpProxy,
  fault: 'cut' | 'stall' | 'delay' | 'cutAtCommit',
  goOn: () => void,
): Promise<void> {
  switch (fault) {
    case 'cut':
      proxy.cut()
      goOn()
      return
    case 'stall': {
      const stalled = proxy.stall()
      goOn()
      await sleep(pastSessionMs)
      stalled.go()
      return
    }
    case 'delay':
      proxy.delay(40)
      goOn()
      await sleep(2_000)
      proxy.delay(0)
      return
    case 'cutAtCommit': {
      const { promise, resolve } = Promise.withResolvers<void>()
      proxy.cutAtCommit(resolve)
      goOn()
      await within('a COMMIT was sent and cut off', promise)
    }
  }
}

const held = (part: Part, mark: string): Promise<void> => within(`${mark} is passed`, part.holds)

async function within(what: string, promise: Promise<void>): Promise<void> {
  const ended = new AbortController()
  const late = sleep(harmWithinMs, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`timed out after ${harmWithinMs} ms waiting for: ${what}`)
  })
  try {
    await Promise.race([promise, late])
  } finally {
    ended.abort()
    late.catch(() => {})
  }
}

async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + harmWithinMs
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`timed out after ${harmWithinMs} ms waiting for: ${what}`)
    await sleep(50)
  }
}

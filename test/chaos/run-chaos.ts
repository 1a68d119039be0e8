import { setTimeout as sleep } from 'node:timers/promises'
import { connectClient } from '../../src/compose.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { silentLog } from '../support/silent-log.ts'
import type { BenchStack } from './bench-stack.ts'
import { commitTimes } from './commit-times.ts'
import type { Facts } from './facts.ts'
import { type Violation, violationsOf } from './invariants.ts'
import { observe } from './observer.ts'
import { type Part, startPart } from './processes.ts'
import { type Death, type Recovery, type RecoveryFacts, recoveries, type Trouble } from './recovery.ts'
import { type Act, scheduleOf } from './schedule.ts'
import { settle } from './settle.ts'
import { createWorld, type Shape } from './small-world.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly durationMs: number
  readonly workers: number
  readonly kinds?: readonly Act['kind'][] | undefined
  readonly note: (line: string) => void
}

export interface ChaosOutcome {
  readonly facts: Facts
  readonly violations: readonly Violation[]
  /** Acts that were carried out, by kind; those that found their process frozen, dead or not yet there are left out. */
  readonly done: Readonly<Record<Act['kind'], number>>
  /** Of workers that were killed and started again at once. */
  readonly afterKill: readonly Recovery[]
  /** Of workers that were killed and stayed away for longer than their session. */
  readonly afterLoss: readonly Recovery[]
  /** Of workers that were asked to stop, and started again. */
  readonly afterStop: readonly Recovery[]
  readonly awayMs: Readonly<Record<'kafka' | 'postgres', readonly number[]>>
}

const shape: Shape = { partitions: 96, chunksPerPartition: 8, chunkRows: 100 }
const pauseMs = 80
const slots = 2
const sessionTimeoutMs = 6_000
const leaseMs = 6_000
/** Until a part that lost its connections, or was started again, has settled: what it costs others is over then. */
const restartMs = 3_000
const others = ['planner', 'ledger', 'supervisor'] as const
/** Runs that are open at the same time. */
const runsAtOnce = 4
const endLimitMs = 180_000

/** How that trouble is called. */
export const serverRestart = 'restart of'

const isMissed = ({ awayMs }: { readonly awayMs: number }): boolean => awayMs > sessionTimeoutMs

/** Runs are asked for until the schedule is over, while its acts are carried out; then everything must come to an end. */
export async function runChaos(stack: BenchStack, options: ChaosOptions): Promise<ChaosOutcome> {
  const { seed, durationMs, kinds, note } = options
  const workers = Array.from({ length: options.workers }, (_, at) => `worker-${at + 1}`)
  const acts = scheduleOf({ seed, durationMs, workers, others, sessionTimeoutMs, kinds })
  // More than there is time for.
  const names = Array.from({ length: Math.ceil(durationMs / 8_000) + runsAtOnce }, (_, at) => `run-${at + 1}`)
  const world = await createWorld(stack, {
    ...{ name: `chaos-${seed}`, pauseMs, sessionTimeoutMs, leaseMs },
    backfills: Object.fromEntries(names.map((name) => [name, shape])),
  })
  const observer = await observe(world)
  const parts = new Map<string, Part>()
  const proxies = new Map<string, Record<'kafka' | 'postgres', TcpProxy>>()
  for (const name of [...others, ...workers]) {
    const [kafka, postgres] = await Promise.all([stack.proxy('kafka'), stack.proxy('postgres')])
    proxies.set(name, { kafka, postgres })
    const role = others.find((other) => other === name) ?? 'worker'
    parts.set(
      name,
      startPart(world, { kafkaPort: kafka.port, postgresPort: postgres.port }, { name, roles: [role], slots }),
    )
  }
  const partOf = (name: string): Part => parts.get(name) as Part
  const done: Record<Act['kind'], number> = { kill: 0, freeze: 0, cut: 0, restart: 0, server: 0 }
  const awayMs = { kafka: [] as number[], postgres: [] as number[] }
  const deaths: Death[] = []
  const losses: Death[] = []
  const stops: Death[] = []
  const troubles: Trouble[] = []
  const underway = new Set<Promise<void>>()
  const began = performance.now()

  const carryOut = async (act: Act): Promise<void> => {
    const fromMs = Date.now()
    const inTime = (text: string): void =>
      note(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`)
    const troubled = (what: string, on: string, forMs: number): void => {
      // What is done to another part than a worker is nothing to the lanes.
      if (workers.includes(on)) troubles.push({ what: `${what} ${on}`, fromMs, toMs: fromMs + forMs })
    }
    switch (act.kind) {
      case 'kill':
      case 'restart': {
        const part = partOf(act.part)
        if (!part.isReady() || part.isFrozen()) return
        done[act.kind] += 1
        const death = { worker: act.part, atMs: fromMs }
        // After its session nobody waits for the dead.
        troubled(act.kind, act.part, act.kind === 'kill' && isMissed(act) ? sessionTimeoutMs : restartMs)
        if (act.kind === 'restart') {
          inTime(`restart ${act.part}`)
          stops.push(death)
          part.restart()
        } else {
          inTime(`kill ${act.part}${isMissed(act) ? `, back in ${act.awayMs} ms` : ''}`)
          ;(isMissed(act) ? losses : deaths).push(death)
          part.kill(act.awayMs)
        }
        return
      }
      case 'freeze': {
        const part = partOf(act.part)
        if (!part.isReady() || part.isFrozen()) return
        done.freeze += 1
        inTime(`freeze ${act.part} for ${act.forMs} ms`)
        troubled('freeze', act.part, act.forMs)
        part.freeze()
        await sleep(act.forMs)
        part.thaw()
        return
      }
      case 'cut': {
        done.cut += 1
        troubled(`cut from ${act.server}`, act.worker, act.stallMs + restartMs)
        inTime(
          `${act.stallMs === 0 ? 'cut' : `stall for ${act.stallMs} ms, then cut`} ${act.worker} off from ${act.server}`,
        )
        const proxy = proxies.get(act.worker)?.[act.server]
        const stalled = act.stallMs === 0 ? undefined : proxy?.stall()
        await sleep(act.stallMs)
        proxy?.cut()
        stalled?.go()
        return
      }
      case 'server': {
        done.server += 1
        inTime(`${act.how} restart of ${act.server}`)
        const away = await stack.restart(act.server, act.how)
        awayMs[act.server].push(away)
        troubles.push({ what: `${serverRestart} ${act.server}`, fromMs, toMs: Date.now() + restartMs })
      }
    }
  }

  const submitted: string[] = []
  const submitWhereRoom = async (): Promise<void> => {
    const [row] = await world.sql<{ ended: string }>(
      `select count(*) as ended from :schema.run where state in ('completed', 'failed', 'cancelled')`,
    )
    while (submitted.length - Number(row?.ended) < runsAtOnce && submitted.length < names.length) {
      const id = names[submitted.length] ?? ''
      const client = await connectClient(world.config, silentLog)
      try {
        const requestKey = `${world.name}/${id}`
        await client.send({ version: 1, type: 'start', requestKey, backfill: id, params: { pauseMs } })
        submitted.push(id)
      } finally {
        await client.close().catch(() => {})
      }
    }
  }

  try {
    let serverAct: Promise<void> = Promise.resolve()
    const waiting = [...acts]
    while (performance.now() - began < durationMs) {
      while (waiting[0] !== undefined && waiting[0].atMs <= performance.now() - began) {
        const act = waiting.shift() as Act
        // A server that is being restarted is left alone meanwhile.
        const carried = act.kind === 'server' ? (serverAct = serverAct.then(() => carryOut(act))) : carryOut(act)
        underway.add(carried)
        void carried.finally(() => underway.delete(carried))
      }
      await submitWhereRoom().catch(() => {})
      await sleep(100)
    }
    await Promise.all(underway)
    const all = [...parts.values()]
    const lives = all.filter(({ roles }) => roles.includes('worker')).reduce((sum, part) => sum + part.deaths(), 0)
    const facts = await settle({
      ...{ observer, parts: all, endLimitMs, wanted: 'completed', pauses: [] },
      world: { ...world, backfills: world.backfills.filter(({ id }) => submitted.includes(id)) },
      tasksHurt: slots * (lives + done.freeze + 2 * done.cut + done.server * workers.length * 2),
    })
    const tasksTopic = topicName(world.config.topicPrefix, 'tasks')
    const recovery: RecoveryFacts = {
      audit: facts.audit,
      lanes: new Map([...facts.tasks].flatMap(([lane, tasks]) => [...tasks.values()].map((id) => [id ?? '', lane]))),
      commits: await commitTimes(world.config, groupName(world.config.topicPrefix, 'workers'), tasksTopic),
    }
    return {
      ...{ facts, violations: violationsOf(facts), done, awayMs },
      afterKill: recoveries(recovery, deaths, troubles),
      afterLoss: recoveries(recovery, losses, troubles),
      afterStop: recoveries(recovery, stops, troubles),
    }
  } finally {
    for (const part of parts.values()) part.kill()
    await Promise.all([...parts.values()].map((part) => part.stop(0)))
    await observer.stop()
    await Promise.all([...proxies.values()].flatMap(({ kafka, postgres }) => [kafka.stop(), postgres.stop()]))
  }
}

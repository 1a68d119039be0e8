import { setTimeout as sleep } from 'node:timers/promises'
import { loseBroker } from './happen-broker.ts'
import { setBackWhileWaiting, setClock } from './happen-clock.ts'
import { failOver } from './happen-failover.ts'
import { askIntent, repeatIntents, runIntent } from './happen-intent.ts'
import { outlastLease } from './happen-lapse.ts'
import { startPart } from './processes.ts'
import { pastSessionMs, type Running, roleOf } from './run-cell.ts'
import type { Settling } from './settle.ts'
import type { World } from './small-world.ts'
import { type Started, slots } from './start-parts.ts'
import type { TcpProxy } from './tcp-proxy.ts'
import { held, until, within } from './wait-for.ts'

/** What the checks must know of what happened. */
export type Happened = Pick<Settling, 'tasksHurt' | 'wanted' | 'pauses' | 'unharmed' | 'wentBack'>

const nothingHurt: Happened = { tasksHurt: 0, wanted: 'completed', pauses: [] }

/** Lets the thing happen; returns what the checks must know. */
export async function happen(running: Running, started: Started): Promise<Happened> {
  const { hurt, secondWorker } = started
  const { cell, kafka, postgres, stack, observer, world, ports, parts } = running
  const { happening, harm } = cell
  if (happening.kind === 'intent') return runIntent(running, started, happening.intent)
  if (happening.kind === 'oldIntents') return repeatIntents(running)
  if (happening.kind === 'failover') return failOver(running)
  if (hurt === undefined || harm === null) return nothingHurt
  const hurting = (tasksHurt: number): Happened => ({ ...nothingHurt, tasksHurt })
  const isWorker = roleOf(harm.mark) === 'worker'
  const own = isWorker ? slots : 0
  const all = 2 * slots
  switch (happening.kind) {
    case 'kill':
    case 'rejection':
      await until(`${harm.mark} is passed`, () => hurt.deaths() > 0)
      secondWorker()
      return hurting(own)
    case 'freeze': {
      await until(`${harm.mark} is passed`, () => hurt.isFrozen())
      if (!isWorker) parts.push(startPart(world, ports, { name: 'backup', roles: hurt.roles }))
      await sleep(pastSessionMs)
      // Behind an open transaction nobody can take over; else somebody does before it goes on.
      if (isWorker) await takenOver(world, harm.mark === 'W3' || harm.mark === 'W4' ? 2_000 : 10_000)
      hurt.thaw()
      return hurting(own)
    }
    case 'rebalance': {
      await held(hurt, harm.mark)
      const second = secondWorker()
      await until('the second worker has joined', () => second.isReady())
      hurt.goOn()
      return hurting(0)
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
      return hurting(0)
    case 'lapse':
      await until(`${harm.mark} is passed`, () => hurt.isFrozen())
      await outlastLease(running, hurt, secondWorker(), happening.bounds)
      // Each copy that meets a lease that lapsed takes the partition over.
      return hurting(all * 2)
    case 'cancel': {
      await held(hurt, harm.mark)
      await askIntent(world, 'cancel')
      // Rows of a chunk that is about to be committed are locked: the cancel waits for them.
      if (harm.mark === 'W4') await until('the cancel waits for a chunk', () => isWaitedFor(world))
      else
        await until('every row of the run is over', async () => {
          const rows = await world.sql(`select 1 from :schema.checkpoint where state in ('pending', 'running')`)
          const over = await world.sql(`select 1 from :schema.checkpoint where state = 'cancelled'`)
          return rows.length === 0 && over.length > 0
        })
      hurt.goOn()
      return { ...hurting(all), wanted: 'cancelled' }
    }
    case 'restart': {
      await held(hurt, harm.mark)
      const restarting = stack.restart(happening.server, happening.how)
      hurt.goOn()
      await restarting
      return hurting(all)
    }
    case 'clock':
      if (isWorker) await setClock(running, hurt, happening.how)
      else await setBackWhileWaiting(running, hurt)
      // A clock that is wrong costs nothing.
      return happening.how === 'nextLife' ? hurting(own) : { ...nothingHurt, unharmed: [hurt] }
    case 'broker':
      await held(hurt, harm.mark)
      await loseBroker(running, happening.which, () => hurt.goOn())
      return hurting(all * 2)
    case 'fault': {
      await held(hurt, harm.mark)
      const proxy = happening.server === 'kafka' ? kafka : postgres
      if (proxy === null) throw new TypeError('there is no proxy in front of a cluster')
      await inflict(proxy, happening.fault, () => hurt.goOn())
      return hurting(all * 2)
    }
  }
}

/** Somebody waits for a lock to cancel a checkpoint row. */
async function isWaitedFor({ sql }: World): Promise<boolean> {
  const waiting = await sql(
    `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%:schema%set state = ''cancelled''%'`,
  )
  return waiting.length > 0
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

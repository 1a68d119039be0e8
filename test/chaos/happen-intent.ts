// A run that somebody pauses or cancels in its middle.
import { setTimeout as sleep } from 'node:timers/promises'
import { connectClient } from '../../src/compose.ts'
import { silentLog } from '../support/silent-log.ts'
import type { PauseFact } from './facts.ts'
import type { Happened } from './happen.ts'
import { startPart } from './processes.ts'
import { pastSessionMs, type Running, roleOf } from './run-cell.ts'
import type { World } from './small-world.ts'
import { type Started, slots } from './start-parts.ts'
import { until } from './wait-for.ts'

type Asked = 'pause' | 'resume' | 'cancel'

const chunksFirst = 8
/** Looks of the observer: a worker that does not obey would commit chunks meanwhile. */
const looksPaused = 12

/** Sends what a person wants of the world's only run. */
export async function askIntent(world: World, type: Asked): Promise<void> {
  const [run] = await world.sql<{ id: string }>('select id from :schema.run')
  if (run === undefined) throw new Error(`there is no run to ${type}`)
  const client = await connectClient(world.config, silentLog)
  await client.send({ version: 1, type, requestKey: `${world.name}/${type}`, runId: run.id })
  await client.close()
}

/** Asks, lets the process that passes the mark come to harm, and resumes what was paused. */
export async function runIntent(running: Running, started: Started, intent: 'pause' | 'cancel'): Promise<Happened> {
  const { cell, world } = running
  await inTheMiddle(running)
  // Rows that no worker has are the supervisor's to cancel: there must be pages of them.
  if (cell.isWide === true) await Promise.all(workersOf(running).map((part) => part.stop(20_000)))
  await askIntent(world, intent)
  await hurtItself(running, started)
  if (cell.isWide === true) running.parts.push(startPart(world, running.ports, { name: 'worker-3', roles: ['worker'] }))
  // Both workers are in the middle of chunks; one that dies takes as many along.
  const tasksHurt = 3 * slots
  if (intent === 'cancel') return { tasksHurt, wanted: 'cancelled', pauses: [] }
  const pause = await watchPause(running)
  await askIntent(world, 'resume')
  return { tasksHurt, wanted: 'completed', pauses: [pause] }
}

/** Pauses and resumes, and says both again in the wrong order when the workers have obeyed. */
export async function repeatIntents(running: Running): Promise<Happened> {
  const { world, observer } = running
  await inTheMiddle(running)
  await askIntent(world, 'pause')
  const pause = await watchPause(running)
  await askIntent(world, 'resume')
  await acknowledged(running, 2)
  await observer.repeatIntents()
  return { tasksHurt: 2 * slots, wanted: 'completed', pauses: [pause] }
}

const chunksOf = async ({ sql }: World): Promise<number> =>
  Number((await sql<{ chunks: string }>('select count(*) as chunks from :schema.chunk'))[0]?.chunks)

const inTheMiddle = ({ world }: Running): Promise<void> =>
  until('some chunks are committed', async () => (await chunksOf(world)) >= chunksFirst)

async function hurtItself({ cell, world, ports, parts }: Running, { hurt }: Started): Promise<void> {
  const { harm } = cell
  if (hurt === undefined || harm === null) throw new TypeError(`cell ${cell.id} hurts nobody`)
  if (harm.act === 'kill') return until(`${harm.mark} is passed`, () => hurt.deaths() > 0)
  await until(`${harm.mark} is passed`, () => hurt.isFrozen())
  if (roleOf(harm.mark) !== 'worker') parts.push(startPart(world, ports, { name: 'backup', roles: hurt.roles }))
  await sleep(pastSessionMs)
  hurt.thaw()
}

const workersOf = ({ parts }: Running): Running['parts'] => parts.filter(({ roles }) => roles.includes('worker'))

/** Every worker has told that it obeys the run's intent of this sequence; returns when the last one said so, in ms. */
async function acknowledged(running: Running, sequence: number): Promise<number> {
  const { observer } = running
  const first = new Map<string, number>()
  await until(`every worker acknowledges intent ${sequence}`, () => {
    for (const event of observer.events)
      if (event.type === 'intent.acknowledged' && event.sequence === sequence && !first.has(event.worker))
        first.set(event.worker, Date.parse(event.at))
    return workersOf(running).every(({ name }) => first.has(name))
  })
  return Math.max(...first.values())
}

async function watchPause(running: Running): Promise<PauseFact> {
  const { world, observer } = running
  const fromMs = await acknowledged(running, 1)
  const before = await chunksOf(world)
  const looks = observer.looks()
  await until('the pause has lasted', () => observer.looks() >= looks + looksPaused)
  const after = await chunksOf(world)
  return { fromMs, toMs: Date.now(), chunks: [before, after] }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from './processes.ts'
import type { Running } from './run-cell.ts'
import { held, until } from './wait-for.ts'

/** From its start, or from when it stands at its mark, or to and fro from there; of the next life of one that dies. */
export type ClockError = 'ahead' | 'behind' | 'forth' | 'back' | 'swing' | 'nextLife'

export const clockErrorMs = 10 * 60_000
const [swings, chunksASwing] = [4, 4]

/** How far off the clock of a life of the process is when it begins. */
export function clockAtStart(how: ClockError, life: number): number {
  if (how === 'nextLife') return life === 0 ? 0 : -clockErrorMs
  return how === 'ahead' ? clockErrorMs : how === 'behind' ? -clockErrorMs : 0
}

/** Sets the clock of a worker that stands at its mark, and lets it go on. */
export async function setClock({ cell, world }: Running, hurt: Part, how: ClockError): Promise<void> {
  const mark = cell.harm?.mark ?? ''
  if (how === 'nextLife') return until(`${mark} is passed`, () => hurt.deaths() > 0)
  await held(hurt, mark)
  if (how === 'forth') hurt.setClock(clockErrorMs)
  if (how === 'back') hurt.setClock(-clockErrorMs)
  hurt.goOn()
  if (how !== 'swing') return
  const chunks = async (): Promise<number> =>
    Number((await world.sql<{ chunks: string }>('select count(*) as chunks from :schema.chunk'))[0]?.chunks)
  for (let swing = 0; swing < swings; swing += 1) {
    const before = await chunks()
    hurt.setClock(swing % 2 === 0 ? clockErrorMs : -clockErrorMs)
    await until('some chunks are committed', async () => (await chunks()) >= before + chunksASwing)
  }
}

/** From its first look on a supervisor waits for a difference to last; meanwhile its clock goes back. */
export async function setBackWhileWaiting({ cell }: Running, hurt: Part): Promise<void> {
  await until('the supervisor is ready', () => hurt.isReady())
  await sleep(2_000)
  hurt.setClock(-clockErrorMs)
  await held(hurt, cell.harm?.mark ?? '')
  hurt.goOn()
}

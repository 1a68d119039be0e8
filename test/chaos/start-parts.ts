import type { Role } from '../../src/compose.ts'
import { connectClient } from '../../src/compose.ts'
import { silentLog } from '../support/silent-log.ts'
import { clockAtStart } from './happen-clock.ts'
import { type Part, request, startPart } from './processes.ts'
import { type Running, roleOf } from './run-cell.ts'
import type { World } from './small-world.ts'
import { until } from './wait-for.ts'

/** Tasks that a worker works on at the same time. */
export const slots = 2

export interface Started {
  /** The one that hurts itself; undefined: it is the client, which is over by now. */
  readonly hurt: Part | undefined
  /** Starts the second worker, once. */
  secondWorker(): Part
}

/** The part that hurts itself comes first, so that it passes its mark; a second worker takes what is left. */
export async function startParts(running: Running): Promise<Started> {
  const { cell, world, ports, parts } = running
  const role = cell.harm === null ? 'worker' : roleOf(cell.harm.mark)
  const comesBack = !('comesBack' in cell.happening) || cell.happening.comesBack
  const start = (name: string, roles: readonly Role[], isHurt = false): Part => {
    const harm = isHurt ? { harm: cell.harm, restart: comesBack } : {}
    // One that is frozen for the sake of its lease works on one task, or others wait for the transaction of a second one.
    const own = isHurt && cell.happening.kind === 'lapse' ? 1 : slots
    const { happening } = cell
    const clock =
      isHurt && happening.kind === 'clock' ? { clockMs: (life: number) => clockAtStart(happening.how, life) } : {}
    const part = startPart(world, ports, { name, roles, slots: own, ...harm, ...clock })
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
    await client.send({
      ...{ version: 1, type: 'start', requestKey: `${world.name}/${id}`, backfill: id },
      params: { pauseMs: world.pauseMs },
    })
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
    await until('the tasks have been read', async () => (await observer.unread()) === null)
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
  await until('the events have been read', async () => (await observer.unread()) === null)
  await observer.deleteRecords('status')
  start('ledger-again', ['ledger'])
  return start('supervisor-1', ['supervisor'], true)
}

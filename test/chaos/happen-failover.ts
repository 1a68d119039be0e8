// W12: the sink's database fails over to a copy that lags. Rows, chunks and checkpoint rows go back together, with what
// the bench wrote down of them; the control database, offsets and events do not.
import type { Happened } from './happen.ts'
import type { Running } from './run-cell.ts'
import type { World } from './small-world.ts'
import { slots } from './start-parts.ts'
import { until } from './wait-for.ts'

const chunksFirst = 8
/** Partitions that are over, and whose tasks' offsets are committed, when the sink goes back to where they were not. */
const endsLost = 2

export async function failOver({ world, observer }: Running): Promise<Happened> {
  const { sql } = world
  const chunks = async (): Promise<number> =>
    Number((await sql<{ chunks: string }>('select count(*) as chunks from :schema.chunk'))[0]?.chunks)
  await until('some chunks are committed', async () => (await chunks()) >= chunksFirst)
  const tables = tablesOf(world)
  await sql(
    `begin isolation level repeatable read;
     ${tables.map((table, at) => `create table :schema.was_${at} as table ${table};`).join('\n')}
     commit`,
  )
  const place = tables.indexOf(':schema.checkpoint')
  await until('partitions have ended since, and their offsets are committed', async () => {
    const since = await sql<{ partition_id: string }>(
      `select partition_id from :schema.checkpoint c where state = 'completed' and not exists (
         select from :schema.was_${place} w where w.partition_id = c.partition_id and w.state = 'completed')`,
    )
    const ended = new Set(since.map(({ partition_id }) => partition_id))
    const passed = (await observer.committed()).flatMap(({ topicPartition, offset }) =>
      [...(observer.tasks.get(topicPartition) ?? [])].filter(([at, id]) => at < offset && id !== null && ended.has(id)),
    )
    return passed.length >= endsLost
  })
  const before = await chunks()
  // The checkpoint rows first: whoever writes has locked one of them, and is waited for.
  await sql(
    `begin;
     set local session_replication_role = replica;
     ${tables.map((table) => `lock table ${table} in access exclusive mode;`).join('\n')}
     ${tables.map((table, at) => `delete from ${table}; insert into ${table} select * from :schema.was_${at};`).join('\n')}
     commit`,
  )
  const lost = before - (await chunks())
  return { tasksHurt: lost + 2 * slots, wanted: 'completed', pauses: [], wentBack: true }
}

const tablesOf = ({ backfills }: World): readonly string[] => [
  ...[':schema.checkpoint', ':schema.chunk', ':schema.rejected_row', ':schema.audit'],
  ...backfills.map(({ table }) => table),
]

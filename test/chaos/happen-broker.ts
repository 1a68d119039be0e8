import type { Admin } from 'kafkajs'
import { withAdmin } from '../../src/kafka/client.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { silentLog } from '../support/silent-log.ts'
import type { LostBroker } from './cells.ts'
import type { Running } from './run-cell.ts'
import { until } from './wait-for.ts'

const chunksWithout = 6

/** Kills a broker while a worker stands at its mark; it comes back when the others lead its lanes and rows are written. */
export async function loseBroker({ stack, world }: Running, which: LostBroker, goOn: () => void): Promise<void> {
  const { config, sql } = world
  const topic = topicName(config.topicPrefix, 'tasks')
  const lost = await withAdmin(config, silentLog, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    if (topics.some(({ partitions }) => partitions.some(({ replicas }) => replicas.length < 3)))
      throw new Error(`${topic} is not on three brokers`)
    const coordinator = await coordinatorOf(admin, groupName(config.topicPrefix, 'workers'))
    if (which === 'coordinator') return coordinator
    return [...(await leadersOf(admin, topic)).values()].find((leader) => leader !== coordinator)
  })
  if (lost === undefined) throw new Error(`no broker is only a leader of ${topic}`)
  const chunks = async (): Promise<number> =>
    Number((await sql<{ chunks: string }>('select count(*) as chunks from :schema.chunk'))[0]?.chunks)
  const isOver = async (): Promise<boolean> =>
    (await sql(`select 1 from :schema.run where state = 'completed'`)).length > 0

  const { back } = await stack.loseBroker(lost)
  goOn()
  await until(`lanes of broker ${lost} have other leaders`, async () => {
    const leaders = await withAdmin(config, silentLog, (admin) => leadersOf(admin, topic)).catch(() => undefined)
    return leaders !== undefined && [...leaders.values()].every((leader) => leader >= 0 && leader !== lost)
  })
  const written = await chunks()
  await until(
    `rows are written without broker ${lost}`,
    async () => (await chunks()) >= written + chunksWithout || (await isOver()),
  )
  await back()
}

async function leadersOf(admin: Admin, topic: string): Promise<ReadonlyMap<number, number>> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  return new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, leader]))
}

/** The leader of the topic partition of `__consumer_offsets` that the group's name hashes to, as every broker reckons. */
async function coordinatorOf(admin: Admin, group: string): Promise<number> {
  const leaders = await leadersOf(admin, '__consumer_offsets')
  let hash = 0
  for (const character of group) hash = (Math.imul(31, hash) + character.charCodeAt(0)) | 0
  const coordinator = leaders.get((hash & 0x7f_ff_ff_ff) % leaders.size)
  if (coordinator === undefined) throw new Error(`nobody coordinates group ${group}`)
  return coordinator
}

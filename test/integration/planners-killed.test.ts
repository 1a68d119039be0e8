// Risk: of many planners whose processes are killed at any moment, two let runs begin that may not be live together, a
// request is lost, or one is answered with two runs.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Partitioners } from 'kafkajs'
import { expect, inject, onTestFinished, test } from 'vitest'
import { StatusEvent } from '../../src/contract/status.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { followTopic } from '../../src/kafka/follow-topic.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { startPart } from '../chaos/processes.ts'
import { randomOf } from '../chaos/schedule.ts'
import { createWorld, type World } from '../chaos/small-world.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

const [planners, targets, runsEach, limit, leastKills] = [8, 6, 5, 3, 24]
/** A group waits for members that died for as long as their sessions last. */
const settledMs = 8_000
const shape = { partitions: 4, chunksPerPartition: 1, chunkRows: 40 }

async function planningWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-planners-'))
  const databaseUrl = inject('DATABASE_URL')
  const world = await createWorld(
    { folder, databaseUrl, kafkaBrokers: inject('KAFKA_BROKERS') },
    {
      name: `planners-${process.pid}`,
      backfills: Object.fromEntries(Array.from({ length: targets }, (_, n) => [`target-${n}`, shape])),
      ...{ pauseMs: 0, sessionTimeoutMs: 6_000, leaseMs: 10_000 },
    },
  )
  onTestFinished(async () => {
    await world.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  return { ...world, env: (port) => ({ ...world.env(port), TIDEMARK_LIVE_RUNS: String(limit) }) }
}

/** Writes down every commit after which more runs are live than may be, whoever commits. */
const watchSql = `
  create table :schema.too_many (live bigint not null, at timestamptz not null default now());
  create function :schema.count_live() returns trigger language plpgsql as $$ begin
    insert into :schema.too_many (live)
    select count(*) from :schema.run where state in ('planning', 'running', 'paused', 'cancelling')
    having count(*) > ${limit};
    return null; end $$;
  create constraint trigger count_live after insert or update on :schema.run
    deferrable initially deferred for each row execute function :schema.count_live()`

test('eight planner processes under random SIGKILLs: never too many runs live, none on one target, no request lost or doubled', async () => {
  const world = await planningWorld()
  await world.sql(watchSql)
  const ports = { kafkaPort: null, postgresPort: Number(new URL(inject('DATABASE_URL')).port) }
  const parts = [
    startPart(world, ports, { name: 'rest', roles: ['worker', 'ledger', 'supervisor'], slots: 4 }),
    ...Array.from({ length: planners }, (_, n) =>
      startPart(world, ports, { name: `planner-${n}`, roles: ['planner'] }),
    ),
  ]
  const ended = new AbortController()
  onTestFinished(async () => {
    ended.abort()
    for (const part of parts) part.kill()
    await Promise.all(parts.map((part) => part.stop(0)))
  })
  const answers: StatusEvent[] = []
  const topic = topicName(world.config.topicPrefix, 'status')
  // The leaders of topics that were just made say for a moment that they are none.
  const followed = await eventually('the answers can be followed', () =>
    followTopic(world.config, createCodec(world.config), silentLog, topic, 'beginning', ended.signal).catch(
      () => undefined,
    ),
  )
  const reading = (async () => {
    for await (const record of followed) answers.push(StatusEvent.parse(await record.json()))
  })()

  const keys = Array.from({ length: targets * runsEach }, (_, n) => ({ backfill: `target-${n % targets}`, n }))
  const producer = createKafka(world.config, 'asker', silentLog).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  // Each twice, as two records.
  const requests = [...keys, ...keys].map(({ backfill, n }) => ({
    key: `run-${n}`,
    value: JSON.stringify({
      ...{ version: 1, type: 'start', requestKey: `run-${n}`, backfill, params: { pauseMs: 0 } },
      priority: n % 3,
    }),
  }))
  await producer.send({ topic: topicName(world.config.topicPrefix, 'requests'), messages: requests })
  await producer.disconnect()

  const random = randomOf(11)
  let [kills, isOver] = [0, false]
  const killing = (async () => {
    for (let burst = 0; !isOver; burst += 1) {
      // Now and then long enough that what is left of the group comes to an agreement and reads requests.
      await sleep(burst % 3 === 0 ? settledMs : random() * 1_500)
      for (const part of parts.slice(1)) {
        if (!part.isReady() || random() > 0.4) continue
        part.kill(100 + random() * 900)
        kills += 1
      }
    }
  })()
  try {
    await eventually(
      'every run has ended, under enough kills',
      async () => {
        const [row] = await world.sql<{ ended: number }>(
          `select count(*)::int as ended from :schema.run where state = 'completed' and end_told`,
        )
        return (row?.ended === keys.length && kills >= leastKills) || undefined
      },
      150_000,
    )
  } finally {
    isOver = true
    await killing
  }
  await eventually(
    'every record is answered',
    async () => {
      const told = new Set(answers.flatMap((event) => (event.type === 'request.duplicate' ? event.requestKey : [])))
      return told.size === keys.length || undefined
    },
    60_000,
  )

  expect(await world.sql('select live::int from :schema.too_many')).toEqual([])
  expect(
    await world.sql(
      `select count(*)::int as runs, count(distinct request_key)::int as keys,
              (select count(*)::int from :schema.request) as requests from :schema.run`,
    ),
  ).toEqual([{ runs: keys.length, keys: keys.length, requests: keys.length }])
  // Whatever was said of a request, and however often: one run.
  for (const { n } of keys) {
    const said = answers.filter((event) => 'requestKey' in event && event.requestKey === `run-${n}`)
    expect(said.map(({ type }) => type)).not.toContain('request.rejected')
    expect(said.map(({ type }) => type)).toContain('request.accepted')
    expect(new Set(said.flatMap((event) => ('runId' in event ? event.runId : []))).size).toBe(1)
  }
  for (const { table, expected } of world.backfills)
    expect(
      await world.sql(
        `(select * from ${table} except all (${expected})) union all ((${expected}) except all select * from ${table})`,
      ),
    ).toEqual([])
  ended.abort()
  await reading
}, 240_000)

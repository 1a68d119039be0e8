// What can happen to committed offsets. Brokers let nobody set them while the group has members, so workers are stopped.
import { decodeOffsetMetadata } from '../../src/work/offset-metadata.ts'
import { type FaultBench, laneOf } from './fault-bench.ts'
import type { Fault } from './seed-fault.ts'

const workers = ['worker-1', 'worker-2']

/** A run in whose middle the workers were stopped in order. */
async function interruptedRun(bench: FaultBench): Promise<string> {
  const runId = await bench.start(400)
  await bench.until('some partitions are over, and some have begun', async () => {
    const [row] = await bench.world.sql<{ over: string; begun: string }>(
      `select count(*) filter (where state = 'completed') as over,
              count(*) filter (where state = 'running' and sequence > 0) as begun
         from :schema.checkpoint where run_id = $1`,
      [runId],
    )
    return Number(row?.over) >= 1 && Number(row?.begun) >= 1
  })
  await bench.stopWorkers()
  return runId
}

/** Lanes with tasks of partitions of the run that are not over. */
async function liveLanes(bench: FaultBench, runId: string): Promise<ReadonlySet<number>> {
  const rows = await bench.world.sql<{ partition_id: string }>(
    `select partition_id from :schema.partition p left join :schema.checkpoint c using (partition_id)
      where p.run_id = $1 and coalesce(c.state, 'pending') in ('pending', 'running')`,
    [runId],
  )
  return new Set(rows.map(({ partition_id }) => laneOf(partition_id)))
}

/** The looks of the supervisor before the damage are what it compares with. */
async function seenAsItIs(bench: FaultBench): Promise<void> {
  const began = Date.now()
  await bench.until('the supervisor has looked', async () => Date.now() - began > 2_000)
}

const isExact = async ({ world }: FaultBench, runId: string): Promise<boolean> => {
  const [backfill] = world.backfills
  const [row] = await world.sql<{ state: string; lost: string; rows: string; distinct: string }>(
    `select (select state from :schema.run where id = $1) as state,
            (select count(*) from (${backfill?.expected} except select id, amount, name from ${backfill?.table}) as l) as lost,
            (select count(*) from ${backfill?.table}) as rows, (select count(distinct id) from ${backfill?.table}) as distinct`,
    [runId],
  )
  return row?.state === 'completed' && row.lost === '0' && row.rows === row.distinct
}

const back: Fault = {
  name: 'a committed offset is reset backwards',
  findings: ['repair offsetWentBack'],
  repair: 'claims found that all is over',
  seed: async (bench, damaged) => {
    const runId = await bench.start(0)
    await bench.ended(runId)
    await seenAsItIs(bench)
    await bench.stopWorkers()
    const [lane] = (await bench.committed()).filter(({ offset }) => offset > 0n)
    if (lane === undefined) throw new Error('no offset was committed')
    damaged()
    await bench.setOffsets([{ topicPartition: lane.topicPartition, offset: lane.offset - 1n }])
    await seenAsItIs(bench)
    await bench.workers(workers)
    return runId
  },
  mended: async (bench, runId) => {
    const committed = await bench.committed()
    return committed.every(({ offset, high }) => offset === high) && (await isExact(bench, runId))
  },
}

const forward: Fault = {
  name: 'a committed offset is reset past a live partition',
  findings: ['alert offsetTooFar', 'partition published again'],
  repair: 'its task was published again',
  seed: async (bench, damaged) => {
    const runId = await interruptedRun(bench)
    await seenAsItIs(bench)
    const live = await liveLanes(bench, runId)
    // One task of a live partition, and no other, is passed.
    const lane = (await bench.committed()).find(
      ({ topicPartition, offset, high }) => live.has(topicPartition) && high - offset === 1n,
    )
    if (lane === undefined) throw new Error('no lane has one task that is not over')
    damaged()
    await bench.setOffsets([{ topicPartition: lane.topicPartition, offset: lane.high }])
    await bench.until('it is published again', async () =>
      bench.events.some((event) => event.type === 'partition.republished' && event.runId === runId),
    )
    await bench.workers(workers)
    return runId
  },
  mended: async (bench, runId) => {
    const cause = bench.events.some(
      (event) => event.type === 'partition.republished' && event.message.includes('is past its task'),
    )
    const isOver = bench.events.some((event) => event.type === 'alert.resolved' && event.kind === 'offsetTooFar')
    return cause && isOver && (await isExact(bench, runId))
  },
}

const metadata: Fault = {
  name: 'the metadata of a committed offset is erased',
  findings: ['repair offsetMetadataLost'],
  repair: 'checkpoint rows had it all',
  seed: async (bench, damaged) => {
    const runId = await interruptedRun(bench)
    await seenAsItIs(bench)
    const lane = (await bench.committed()).find((one) => (decodeOffsetMetadata(one.metadata)?.tasks.length ?? 0) > 0)
    if (lane === undefined) throw new Error('no committed offset has checkpoints in its metadata')
    damaged()
    await bench.setOffsets([lane])
    await seenAsItIs(bench)
    await bench.workers(workers)
    return runId
  },
  mended: isExact,
}

export const offsetFaults: readonly Fault[] = [back, forward, metadata]

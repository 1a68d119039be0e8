// What can happen to checkpoint rows, to the plan, and to the tasks that were published of it.
import { type FaultBench, laneOf } from './fault-bench.ts'
import type { Fault } from './seed-fault.ts'

interface Partition extends Record<string, unknown> {
  readonly partition_id: string
  readonly index: string
}

const partitions = (bench: FaultBench, runId: string): Promise<readonly Partition[]> =>
  bench.world.sql<Partition>('select partition_id, index from :schema.partition where run_id = $1 order by index', [
    runId,
  ])

async function finishedRun(bench: FaultBench): Promise<string> {
  const runId = await bench.start(0)
  await bench.ended(runId)
  return runId
}

const never = async (): Promise<boolean> => false

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

export const rowFaults: readonly Fault[] = [
  {
    name: 'a checkpoint row of a finished run is deleted',
    findings: ['alert checkpointMissing'],
    repair: null,
    seed: async (bench, damaged) => {
      const runId = await finishedRun(bench)
      const [first] = await partitions(bench, runId)
      damaged()
      await bench.world.sql('delete from :schema.checkpoint where partition_id = $1', [first?.partition_id])
      return runId
    },
    mended: never,
  },
  {
    name: 'a checkpoint row of a live run is deleted',
    findings: ['alert checkpointMissing', 'partition published again'],
    repair: 'the partition was done again',
    seed: async (bench, damaged) => {
      const runId = await bench.start(1_000)
      let over: string | undefined
      // Its offset has passed: nobody will get its task again.
      await bench.until('a partition is over for good', async () => {
        const rows = await bench.world.sql<{ partition_id: string; held_for: number }>(
          `select partition_id, held_for from :schema.checkpoint where run_id = $1 and state = 'completed'`,
          [runId],
        )
        const passed = new Set(
          (await bench.committed())
            .filter(({ offset, high }) => offset === high)
            .map(({ topicPartition }) => topicPartition),
        )
        over = rows.find(({ held_for }) => passed.has(held_for))?.partition_id
        return over !== undefined
      })
      damaged()
      await bench.world.sql('delete from :schema.checkpoint where partition_id = $1', [over])
      return runId
    },
    mended: async (bench, runId) =>
      bench.events.some(
        (event) => event.type === 'alert.resolved' && event.kind === 'checkpointMissing' && event.about.runId === runId,
      ) && (await isExact(bench, runId)),
  },
  {
    name: 'a checkpoint row of a finished run is set back',
    findings: ['alert ledgerAhead'],
    repair: null,
    seed: async (bench, damaged) => {
      const runId = await finishedRun(bench)
      const [, second] = await partitions(bench, runId)
      damaged()
      await bench.world.sql(
        `update :schema.checkpoint set state = 'running', sequence = sequence - 1 where partition_id = $1`,
        [second?.partition_id],
      )
      return runId
    },
    mended: never,
  },
  {
    name: 'the content hash of a finished partition is changed',
    findings: ['alert hashDiffers'],
    repair: null,
    seed: async (bench, damaged) => {
      const runId = await finishedRun(bench)
      const [, , third] = await partitions(bench, runId)
      damaged()
      await bench.world.sql('update :schema.checkpoint set content_hash = content_hash + 1 where partition_id = $1', [
        third?.partition_id,
      ])
      return runId
    },
    mended: never,
  },
  {
    name: 'a partition of a live plan is deleted',
    findings: ['alert coverageGap'],
    repair: null,
    seed: async (bench, damaged) => {
      // Before the supervisor has read the plan, or at its next look at it.
      const runId = await bench.start(0)
      const all = await partitions(bench, runId)
      damaged()
      await bench.world.sql('delete from :schema.partition where partition_id = $1', [all[5]?.partition_id])
      return runId
    },
    mended: never,
  },
]

/** Workers are started when the damage is seen: nobody may have the tasks in hand. */
export const taskFaults: readonly Fault[] = [
  {
    name: 'the tasks of three partitions are deleted',
    findings: ['partition published again', 'partition published again', 'partition published again'],
    repair: 'their tasks were published again',
    seed: async (bench, damaged) => {
      await bench.stopWorkers()
      const runId = await bench.start(0)
      const byLane = Map.groupBy(await partitions(bench, runId), ({ partition_id }) => laneOf(partition_id))
      const alone = [...byLane].filter(([, of]) => of.length === 1).map(([lane]) => lane)
      if (alone.length < 3) throw new Error('there are no three tasks alone in their lanes')
      damaged()
      await bench.deleteTasks(alone.slice(0, 3))
      await bench.until(
        'they are published again',
        async () =>
          bench.events.filter((event) => event.type === 'partition.republished' && event.runId === runId).length >= 3,
      )
      await bench.workers(['worker-1', 'worker-2'])
      return runId
    },
    mended: isExact,
  },
]

// What can happen to status events and to the ledger that is made of them.
import type { StatusEvent } from '../../src/contract/status.ts'
import type { FaultBench } from './fault-bench.ts'
import type { Fault } from './seed-fault.ts'

type Completed = Extract<StatusEvent, { type: 'partition.completed' }>

/** The events of a run's completed partitions, in the order of their telling. */
const completions = (bench: FaultBench, runId: string): Completed[] =>
  bench.events.filter((event): event is Completed => event.type === 'partition.completed' && event.runId === runId)

async function finishedRun(bench: FaultBench): Promise<string> {
  const runId = await bench.start(0)
  await bench.ended(runId)
  return runId
}

/** What the ledger has of a partition, as text. */
async function recorded(bench: FaultBench, partitionId: string): Promise<string> {
  const rows = await bench.world.sql('select * from :schema.ledger_partition where partition_id = $1', [partitionId])
  return JSON.stringify(rows)
}

const isWhole = async (bench: FaultBench, runId: string): Promise<boolean> => {
  const [row] = await bench.world.sql<{ well: boolean }>(
    `select bool_and(l.state = c.state and l.sequence = c.sequence and l.content_hash = c.content_hash) as well
       from :schema.partition p left join :schema.ledger_partition l using (partition_id)
       left join :schema.checkpoint c using (partition_id) where p.run_id = $1`,
    [runId],
  )
  return row?.well === true
}

/** The worker is the one that loses it: it must be the only one. */
const neverArrived: Fault = {
  name: 'an event never reaches the topic',
  findings: ['repair eventLost'],
  repair: 'told again from the checkpoint row',
  seed: async (bench, damaged) => {
    await bench.stopWorkers()
    await bench.workers(['worker-9'], { losesEvent: 'partition.completed' })
    const runId = await bench.start(0)
    await bench.until('all but one of the ends are told', async () => completions(bench, runId).length >= 11)
    damaged()
    await bench.ended(runId)
    await bench.stopWorkers()
    await bench.workers(['worker-1', 'worker-2'])
    return runId
  },
  mended: isWhole,
}

const deleted: Fault = {
  name: 'an event is deleted from the ledger of a finished run',
  findings: ['repair eventLost'],
  repair: 'told again from the checkpoint row',
  seed: async (bench, damaged) => {
    const runId = await finishedRun(bench)
    const [event] = completions(bench, runId)
    if (event === undefined) throw new Error('no completion was told')
    damaged()
    await bench.world.sql(
      `with gone as (
         delete from :schema.ledger_event where partition_id = $1 and type = 'partition.completed'
         returning run_id, topic_partition
       ), counted as (
         update :schema.ledger_run_slice s set completed = completed - 1, running = running + 1 from gone
          where s.run_id = gone.run_id and s.topic_partition = gone.topic_partition
       )
       update :schema.ledger_partition set state = 'running', rank = 1, sequence = sequence - 1 where partition_id = $1`,
      [event.partitionId],
    )
    return runId
  },
  mended: async (bench, runId) => {
    const [row] = await bench.world.sql<{ events: string }>(
      `select count(distinct partition_id) as events from :schema.ledger_event where run_id = $1 and type = 'partition.completed'`,
      [runId],
    )
    return row?.events === '12' && (await isWhole(bench, runId))
  },
}

/** The ledger as it was before a fault that must change nothing of it. */
const before = new Map<string, string>()

const doubled: Fault = {
  name: 'an event is told twice',
  findings: [],
  repair: null,
  seed: async (bench, damaged) => {
    const runId = await finishedRun(bench)
    const [event] = completions(bench, runId)
    if (event === undefined) throw new Error('no completion was told')
    before.set(runId, await recorded(bench, event.partitionId))
    damaged()
    await bench.tell([event])
    return runId
  },
  mended: async (bench, runId) => {
    const [first, second] = completions(bench, runId).filter(
      (event, _, all) => event.partitionId === all[0]?.partitionId,
    )
    if (first === undefined || second === undefined) return false
    const [row] = await bench.world.sql<{ times: string }>(
      `select count(*) as times from :schema.ledger_event where partition_id = $1 and type = 'partition.completed'`,
      [first.partitionId],
    )
    return row?.times === '1' && (await recorded(bench, first.partitionId)) === before.get(runId)
  },
}

/** Later than the true one, which the ledger goes on to believe. */
const contradicted: Fault = {
  name: 'an event is told again with another content',
  findings: ['alert eventContradicted'],
  repair: null,
  seed: async (bench, damaged) => {
    const runId = await finishedRun(bench)
    const [event] = completions(bench, runId)
    if (event === undefined) throw new Error('no completion was told')
    const at = new Date(Date.parse(event.at) + 1_000).toISOString()
    damaged()
    await bench.tell([{ ...event, at, totals: { ...event.totals, contentHash: '1' } }])
    return runId
  },
  mended: async () => false,
}

export const eventFaults: readonly Fault[] = [deleted, doubled, contradicted, neverArrived]

/** In a system of its own, whose ledger writer is one process: it is away for a minute while a run is worked on. */
export const ledgerFaults: readonly Fault[] = [
  {
    name: 'the only ledger writer is stopped for a minute',
    findings: ['alert ledgerLag'],
    repair: 'read on where it had stopped',
    seed: async (bench, damaged) => {
      bench.ledger.kill(60_000)
      damaged()
      return bench.start(20)
    },
    mended: async (bench, runId) => {
      const isOver = bench.events.some((event) => event.type === 'alert.resolved' && event.kind === 'ledgerLag')
      const isTold = bench.events.some((event) => event.type === 'run.completed' && event.runId === runId)
      return isOver && isTold && (await isWhole(bench, runId))
    },
  },
]

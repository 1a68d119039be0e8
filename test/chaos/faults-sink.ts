// What somebody else can do to the rows in the sink, which only a look at all of them finds: the certificate of the run,
// which is given here as a function.
import type { FaultBench } from './fault-bench.ts'

/** What of a certificate is needed here. */
export interface CertifiedAs {
  readonly verdict: string
  readonly differences: readonly {
    readonly index: number
    readonly rows: readonly { readonly what: string; readonly key: Readonly<Record<string, unknown>> }[]
  }[]
}
export type Certify = (runId: string) => Promise<CertifiedAs>

export interface SinkFaultResult {
  readonly fault: string
  readonly isFound: boolean
  readonly foundAs: string
}

interface SinkFault {
  readonly name: string
  /** Of the row with this id, in the table. */
  damage(table: string, id: number): string
  readonly what: 'missing' | 'doubled' | 'changed'
}

/** A row that the transform neither leaves out nor refuses. */
const id = 40

const faults: readonly SinkFault[] = [
  { name: 'a sink row is deleted', what: 'missing', damage: (table, at) => `delete from ${table} where id = ${at}` },
  {
    name: 'a sink row is doubled',
    what: 'doubled',
    damage: (table, at) => `insert into ${table} select * from ${table} where id = ${at}`,
  },
  {
    name: 'a sink row is altered',
    what: 'changed',
    damage: (table, at) => `update ${table} set amount = amount + 1 where id = ${at}`,
  },
]

/** Each on a finished run of its own, certified before and after: equal, then different in exactly this row. */
export async function sinkFaults(bench: FaultBench, certify: Certify): Promise<readonly SinkFaultResult[]> {
  const [backfill] = bench.world.backfills
  if (backfill === undefined) throw new TypeError('the world has no backfill')
  const results: SinkFaultResult[] = []
  for (const { name, damage, what } of faults) {
    const runId = await bench.start(0)
    await bench.ended(runId)
    const before = await certify(runId)
    await bench.world.sql(damage(backfill.table, id))
    const after = await certify(runId)
    const rows = after.differences.flatMap((difference) => difference.rows)
    const isFound =
      before.verdict === 'equal' &&
      after.verdict === 'different' &&
      rows.length === 1 &&
      rows[0]?.what === what &&
      String(rows[0].key['id']) === String(id)
    const foundAs = rows.map((row) => `${row.what} ${JSON.stringify(row.key)}`).join(', ')
    results.push({ fault: name, isFound, foundAs: `${before.verdict}, then ${after.verdict}: ${foundAs}` })
  }
  return results
}

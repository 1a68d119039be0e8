import { randomUUID } from 'node:crypto'
import type { RunState } from '../../src/contract/states.ts'
import type { ControlDatabase } from './control-database.ts'

export interface PlannedRun {
  readonly runId: string
  readonly partitionIds: readonly string[]
}

/** A run of three partitions as the planner leaves it, or as it is while it is being planned. */
export async function plannedRun(
  { rows }: ControlDatabase,
  state: Extract<RunState, 'planning' | 'running'> = 'running',
): Promise<PlannedRun> {
  const runId = randomUUID()
  await rows(
    `insert into :schema.run (id, request_key, backfill, definition_hash, definition, params, target, target_id, state, bounds, range,
       plan_hash, partitions, plan_cursor, planned_at, published) values ($1, $2, 'orders-v2', $3, '{}', '{}', $2, $2, $4,
       '{"kind": "integer", "column": "id", "from": "0", "to": "30", "estimatedRows": null}',
       '{"kind": "integer", "from": "0", "to": "30"}', $3, 3, 3, case when $4 = 'running' then now() end, case when $4 = 'running' then 3 else 0 end)`,
    [runId, `start/${runId}`, 'a'.repeat(64), state],
  )
  const partitionIds = [0, 1, 2].map(() => randomUUID())
  for (const [n, partitionId] of partitionIds.entries())
    await rows(
      `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to")
       values ($1, $2, $3, 'integer', $4, $5)`,
      [runId, n, partitionId, String(n * 10), String(n * 10 + 10)],
    )
  return { runId, partitionIds }
}

import { discoverBackfills } from '../define/discover.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import { quietLog } from '../process/log.ts'
import { type ListedSchedule, listSchedules } from '../schedule/list-schedules.ts'
import { control, createPools } from './pools.ts'

/** The schedules of the definitions of this folder, with what the control database knows of them. */
export async function schedulesOf(config: Config, now: Date): Promise<readonly ListedSchedule[]> {
  const definitions = await discoverBackfills(config.definitionsFolder)
  const pools = createPools('schedules', 1, quietLog)
  const pool = pools.open(config.databaseUrl)
  try {
    await migrate(pool, { schema: config.schema, ...control })
    return await listSchedules(pool, config.schema, definitions, now)
  } finally {
    await pools.close()
  }
}

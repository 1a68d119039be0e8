import { openPool, type Pool } from '../postgres/pool.ts'
import type { Log } from '../process/log.ts'

/** One pool a database, however many adapters use it. */
export interface Pools {
  open(this: void, connectionString: string): Pool
  close(): Promise<void>
}

export function createPools(name: string, size: number, log: Log): Pools {
  const pools = new Map<string, Pool>()
  return {
    open: (connectionString) => {
      const known = pools.get(connectionString)
      if (known !== undefined) return known
      const pool = openPool({ connectionString, applicationName: `tidemark ${name}`, max: size, log })
      pools.set(connectionString, pool)
      return pool
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

/** Tables of the control database. */
export const control = { component: 'control', folder: new URL('../ledger/migrations/', import.meta.url) } as const
/** Tables of every sink's own database. */
export const sinkTables = { component: 'sink', folder: new URL('../sink/migrations/', import.meta.url) } as const

import type { TableName } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { tableColumns, tableIndexes } from './postgres-catalog.ts'
import type { Catalogue } from './postgres-schema.ts'

/** A table that was changed is seen this much later. Short: what is wrong with it may have been mended. */
const catalogueMs = 2_000

/** What the server says of a table; the same object for partitions that are begun soon after each other. */
export function tableCatalogue(pool: Pool, table: TableName): { get(): Promise<Catalogue>; forget(): void } {
  let known: { readonly found: Promise<Catalogue>; readonly untilMs: number } | undefined
  return {
    get: () => {
      const nowMs = performance.now()
      if (known !== undefined && nowMs < known.untilMs) return known.found
      const found = Promise.all([tableColumns(pool, table), tableIndexes(pool, table)]).then(
        ([columns, indexes]): Catalogue => ({ columns, indexes }),
      )
      const asked = { found, untilMs: nowMs + catalogueMs }
      known = asked
      found.catch(() => {
        if (known === asked) known = undefined
      })
      return found
    },
    forget: () => {
      known = undefined
    },
  }
}

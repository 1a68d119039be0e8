import type { AnyRow } from '../define/row-schema.ts'
import type { PostgresInsertSink } from '../define/sink-definition.ts'
import { copyIn } from '../postgres/copy-in.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { rangeValues, withinRange } from './postgres-range.ts'
import { createPostgresSink, type PostgresSinkDeps } from './postgres-sink.ts'
import type { Sink } from './sink.ts'

/**
 * COPY into a table. The partition's first chunk empties the partition's range of the column `range` before, in its
 * own transaction, so a backfill can be run again over what it, or anything else, left there; an index on that column
 * keeps this cheap. Values are checked by the columns' types; the refinements of a zod schema are not run again.
 */
export function openPostgresInsert(definition: PostgresInsertSink<AnyRow>, deps: PostgresSinkDeps): Sink {
  const { table, schema, range: rangeColumn } = definition
  return createPostgresSink(
    {
      demands: {
        table,
        schema,
        range: rangeColumn,
        key: null,
        privileges: ['INSERT', 'DELETE', 'SELECT'],
        temporaryTables: false,
      },
      numbered: false,
      writesMany: true,
      async write(client, target, range, first, buffer) {
        const { name, columns } = target
        if (first) {
          const within = withinRange(target, rangeColumn, range.kind)
          await client.query(`delete from ${name.sql} where ${within}`, rangeValues(range))
        }
        if (buffer.rows === 0) return
        const list = columns.map((column) => quoteIdentifier(column.name)).join(', ')
        await copyIn(client, `copy ${name.sql} (${list}) from stdin (format binary)`, buffer)
      },
    },
    deps,
  )
}

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
      async begin(client, target, ranges) {
        const [first] = ranges
        if (first === undefined) return
        const table = target.name.sql
        if (ranges.length === 1) {
          const within = withinRange(target, rangeColumn, first.kind)
          await client.query(`delete from ${table} where ${within}`, rangeValues(first))
        } else {
          const within = withinRange(target, rangeColumn, first.kind, ['of."from"', 'of."to"'])
          await client.query(
            `delete from ${table} using unnest($1::text[], $2::text[]) as of("from", "to") where ${within}`,
            [ranges.map(({ from }) => from), ranges.map(({ to }) => to)],
          )
        }
      },
      async write(client, { name, columns }, buffer) {
        const list = columns.map((column) => quoteIdentifier(column.name)).join(', ')
        await copyIn(client, `copy ${name.sql} (${list}) from stdin (format binary)`, buffer)
      },
    },
    deps,
  )
}

import { createHash } from 'node:crypto'
import type { AnyRow } from '../define/row-schema.ts'
import type { PostgresUpsertSink } from '../define/sink-definition.ts'
import { copyIn } from '../postgres/copy-in.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { createPostgresSink, type PostgresSinkDeps } from './postgres-sink.ts'
import type { Target } from './postgres-target.ts'
import type { Sink } from './sink.ts'

const numberColumn = 'tidemark_number'

/**
 * Inserts rows, or updates the one with the same `key`, by way of a temporary table. Of rows with equal keys the last
 * wins, within a chunk as between chunks; the content hash counts every row that was sent, so over repeated keys it
 * says more than the table holds. Values are checked by the columns' types; the refinements of a zod schema are not
 * run again.
 */
export function openPostgresUpsert(definition: PostgresUpsertSink<AnyRow>, deps: PostgresSinkDeps): Sink {
  const { table, schema, key, range } = definition
  return createPostgresSink(
    {
      demands: { table, schema, range, key, privileges: ['INSERT', 'UPDATE', 'SELECT'], temporaryTables: true },
      numbered: true,
      // A second chunk would find the first one's rows in the temporary table.
      writesMany: false,
      async begin() {},
      async write(client, target, buffer) {
        const { create, stage, merge } = statements(target, key)
        await client.query(create)
        await copyIn(client, stage, buffer)
        await client.query(merge)
      },
    },
    deps,
  )
}

function statements(
  { name, columns }: Target,
  key: readonly string[],
): { create: string; stage: string; merge: string } {
  const names = columns.map((column) => quoteIdentifier(column.name))
  const list = names.join(', ')
  const keys = key.map(quoteIdentifier).join(', ')
  // Named for what it holds: a connection serves several sinks, and outlives a change of the table.
  const signature = [name.sql, ...columns.map((column) => `${column.name} ${column.type}`)].join()
  const stage = `pg_temp.tidemark_${createHash('sha256').update(signature).digest('hex').slice(0, 20)}`
  const others = names.filter((_, i) => !key.includes(columns[i]?.name ?? ''))
  const update = others.map((column) => `${column} = excluded.${column}`).join(', ')
  return {
    create: `create temp table if not exists ${stage.slice('pg_temp.'.length)} on commit delete rows as
               select 0 as ${numberColumn}, ${list} from ${name.sql} with no data`,
    stage: `copy ${stage} (${numberColumn}, ${list}) from stdin (format binary)`,
    merge: `insert into ${name.sql} (${list}) overriding system value
            select distinct on (${keys}) ${list} from ${stage} order by ${keys}, ${numberColumn} desc
            on conflict (${keys}) do ${update === '' ? 'nothing' : `update set ${update}`}`,
  }
}

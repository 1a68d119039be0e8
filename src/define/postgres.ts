import type { RowSchema } from './row-schema.ts'
import type { PostgresInsertSink, PostgresUpsertSink } from './sink-definition.ts'
import type { PostgresTableSource } from './source-definition.ts'

/** Sources and sinks that are Postgres tables. `database` names the environment variable with the connection string; default DATABASE_URL. */
export const postgres = {
  /**
   * Rows of a table, read in the order of the partition column and then of `key`, a unique column or several that are
   * unique together. `schema` names the
   * columns that are read and what they become (int8: z.bigint(), z.int() where it fits, or z.string(); numeric:
   * z.string(); timestamps: z.date()). A row whose partition column is NULL is in no partition.
   */
  table<Row>(
    table: string,
    options: {
      schema: RowSchema<Row>
      key: NoInfer<keyof Row & string> | readonly NoInfer<keyof Row & string>[]
      database?: string
    },
  ): PostgresTableSource<Row> {
    return {
      kind: 'postgres.table',
      table,
      schema: options.schema,
      key: typeof options.key === 'string' ? [options.key] : options.key,
      database: options.database ?? 'DATABASE_URL',
    }
  },
  /**
   * Inserts by COPY. The engine owns the run's range of the column `range`, which holds the source's partition key
   * unchanged: rows already there are replaced, so a backfill can be run again.
   */
  insert<Row>(
    table: string,
    options: { schema: RowSchema<Row>; range: NoInfer<keyof Row & string>; database?: string },
  ): PostgresInsertSink<Row> {
    return {
      kind: 'postgres.insert',
      table,
      schema: options.schema,
      range: options.range,
      database: options.database ?? 'DATABASE_URL',
    }
  },
  /** Inserts, or updates the row with the same `key`: for tables that have other writers. */
  upsert<Row>(
    table: string,
    options: {
      schema: RowSchema<Row>
      key: readonly NoInfer<keyof Row & string>[]
      range?: NoInfer<keyof Row & string>
      database?: string
    },
  ): PostgresUpsertSink<Row> {
    return {
      kind: 'postgres.upsert',
      table,
      schema: options.schema,
      key: options.key,
      range: options.range ?? null,
      database: options.database ?? 'DATABASE_URL',
    }
  },
} as const

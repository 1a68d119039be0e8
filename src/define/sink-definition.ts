import type { RowSchema } from './row-schema.ts'

/** Rows inserted by COPY, after the partition's own key range was emptied; see `postgres.insert`. */
export interface PostgresInsertSink<Row> {
  readonly kind: 'postgres.insert'
  readonly table: string
  readonly schema: RowSchema<Row>
  /** Column that holds the source's partition key unchanged: the engine owns the run's range of it. */
  readonly range: string
  /** Name of the environment variable that holds the connection string. */
  readonly database: string
}

/** Rows inserted, or updated where the key exists; see `postgres.upsert`. */
export interface PostgresUpsertSink<Row> {
  readonly kind: 'postgres.upsert'
  readonly table: string
  readonly schema: RowSchema<Row>
  /** Columns of a unique constraint. */
  readonly key: readonly string[]
  /** Column that holds the source's partition key unchanged, when there is one: lets the stored rows be certified. */
  readonly range: string | null
  /** Name of the environment variable that holds the connection string. */
  readonly database: string
}

export type SinkDefinition<Row> = PostgresInsertSink<Row> | PostgresUpsertSink<Row>

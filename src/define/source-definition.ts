import type { RowSchema } from './row-schema.ts'

/** Rows of Parquet files; see `files.parquet`. */
export interface ParquetSource<Row> {
  readonly kind: 'files.parquet'
  /** Files or globs, relative to the folder of the definition file. */
  readonly paths: readonly string[]
  readonly schema: RowSchema<unknown>
  /** Field that receives the row's position, counted from 0 through all files. */
  readonly position: string | null
  /** Carries the row type; never set. */
  readonly row?: Row
}

/** Rows of a Postgres table; see `postgres.table`. */
export interface PostgresTableSource<Row> {
  readonly kind: 'postgres.table'
  readonly table: string
  readonly schema: RowSchema<unknown>
  /** Unique columns, together, that order rows where the partition columns tie. */
  readonly key: readonly string[]
  /** Name of the environment variable that holds the connection string. */
  readonly database: string
  /** Carries the row type; never set. */
  readonly row?: Row
}

export type SourceDefinition<Row> = ParquetSource<Row> | PostgresTableSource<Row>

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

/** Rows of CSV files; see `files.csv`. */
export interface CsvSource<Row> {
  readonly kind: 'files.csv'
  readonly paths: readonly string[]
  readonly schema: RowSchema<unknown>
  /** Field that receives the place of the row's first byte, counted from 0 through all files. */
  readonly position: string | null
  /** True: the first record of each file names the columns. */
  readonly header: true | readonly string[]
  /** One ASCII character each. No quote: there are no quoted fields. */
  readonly delimiter: string
  readonly quote: string | null
  readonly quotedNewlines: boolean
  readonly maxRecordBytes: number
  /** Carries the row type; never set. */
  readonly row?: Row
}

/** Rows of files with a JSON object a line; see `files.ndjson`. */
export interface NdjsonSource<Row> {
  readonly kind: 'files.ndjson'
  readonly paths: readonly string[]
  readonly schema: RowSchema<unknown>
  /** Field that receives the place of the row's first byte, counted from 0 through all files. */
  readonly position: string | null
  readonly maxRecordBytes: number
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

/** How the value of a record is read. */
export type RecordValue = 'json' | 'text' | 'bytes'

/** Names of the fields that receive what a record has besides its value. */
export interface RecordFields {
  readonly key?: string
  readonly topicPartition?: string
  readonly offset?: string
  readonly timestamp?: string
  readonly headers?: string
}

/** Records of a Kafka topic; see `kafka.topic`. */
export interface KafkaTopicSource<Row> {
  readonly kind: 'kafka.topic'
  readonly topic: string
  readonly schema: RowSchema<unknown>
  readonly value: RecordValue
  readonly fields: RecordFields
  /** Field that receives the record's position, counted through all topic partitions from the run's first offset. */
  readonly position: string | null
  readonly tombstones: 'reject' | 'skip'
  /** Name of the environment variable that holds the brokers; null: Tidemark's own. */
  readonly brokers: string | null
  /** Carries the row type; never set. */
  readonly row?: Row
}

export type SourceDefinition<Row> =
  | ParquetSource<Row>
  | CsvSource<Row>
  | NdjsonSource<Row>
  | PostgresTableSource<Row>
  | KafkaTopicSource<Row>

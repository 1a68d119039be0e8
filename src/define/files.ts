import type { RowSchema } from './row-schema.ts'
import type { ParquetSource } from './source-definition.ts'

/** Sources that are files. */
export const files = {
  /**
   * Rows of Parquet files. `path` is a file or a glob (or several), relative to the folder of the definition file.
   * `schema` names the columns that are read and what they become (INT64: z.bigint(), or z.int() where it fits;
   * TIMESTAMP: z.date(), or z.bigint() for microseconds since 1970; text: z.string()). `position` names a field that
   * receives the row's place, counted from 0 through all files: a key for files that have none.
   */
  parquet<Row, const Position extends string = never>(
    path: string | readonly string[],
    options: { schema: RowSchema<Row>; position?: Position },
  ): ParquetSource<Row & { [Field in Position]: number }> {
    return {
      kind: 'files.parquet',
      paths: typeof path === 'string' ? [path] : path,
      schema: options.schema,
      position: options.position ?? null,
    }
  },
} as const

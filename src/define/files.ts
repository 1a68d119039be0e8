import { checkedCsvOptions, type TextOptions } from './csv-options.ts'
import type { RowSchema } from './row-schema.ts'
import type { CsvSource, NdjsonSource, ParquetSource } from './source-definition.ts'

type Positioned<Row, Position extends string> = Row & { [Field in Position]: number }

/** A larger record is most likely none: a quote that is not closed, a file without lines. */
const usualRecordBytes = 16 * 1024 * 1024

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
  ): ParquetSource<Positioned<Row, Position>> {
    return {
      kind: 'files.parquet',
      paths: typeof path === 'string' ? [path] : path,
      schema: options.schema,
      position: options.position ?? null,
    }
  },
  /**
   * Rows of CSV files (RFC 4180, UTF-8, lines ending in LF or CRLF), cut by `partition.byBytes()`. `path` as in
   * `parquet`. `schema` names the columns that are read and what their texts become: z.string(), z.bigint(), z.int(),
   * z.number(), z.boolean() (true, false, t, f, 1, 0), z.date() (RFC 3339; without a zone in UTC). An empty field is null
   * where the schema takes null; `""` is the empty text where the field is text. A line without any character is no row.
   *
   * `position` names a field that receives the place of the row's first byte, counted from 0 through all files. It is what
   * partitions are ranges of: a sink's `range` column has to hold it, unchanged, for the engine replaces the partition's
   * range of that column.
   *
   * `header` (default true): the first record of each file names the columns; or their names, for files without one.
   * `delimiter` (`,`) and `quote` (`"`, doubled within quotes; null: there are none) are single ASCII characters.
   * `quotedNewlines` (default true): a quoted field may hold newlines, so only a look at the whole file tells where records
   * begin: each file that is cut is read once when a run is planned. False: it need not be, and a quote that is not closed
   * on its line makes a bad row. A record of more than `maxRecordBytes` (default 16 MiB) fails its partition.
   * Throws RangeError for an option that cannot be.
   */
  csv<Row, const Position extends string = never>(
    path: string | readonly string[],
    options: TextOptions<Row, Position> & {
      header?: true | readonly string[]
      delimiter?: string
      quote?: string | null
      quotedNewlines?: boolean
    },
  ): CsvSource<Positioned<Row, Position>> {
    const { schema, position, header = true, delimiter = ',', quote = '"', quotedNewlines = true } = options
    return {
      ...{ kind: 'files.csv', paths: typeof path === 'string' ? [path] : path, schema, position: position ?? null },
      ...checkedCsvOptions({ header, delimiter, quote, quotedNewlines }),
      maxRecordBytes: recordBytes(options.maxRecordBytes),
    }
  },
  /**
   * Rows of files with one JSON object a line (NDJSON, JSON Lines), cut by `partition.byBytes()`. `path`, `position` and
   * `maxRecordBytes` as in `csv`. `schema` names the fields that are read: z.bigint() takes whole numbers of any size,
   * also as text; z.int() and z.number() refuse one that they do not hold exactly; z.date() takes RFC 3339 text. A field
   * that is missing is as one that is null.
   */
  ndjson<Row, const Position extends string = never>(
    path: string | readonly string[],
    { schema, position, maxRecordBytes }: TextOptions<Row, Position>,
  ): NdjsonSource<Positioned<Row, Position>> {
    return {
      ...{ kind: 'files.ndjson', paths: typeof path === 'string' ? [path] : path, schema, position: position ?? null },
      maxRecordBytes: recordBytes(maxRecordBytes),
    }
  },
} as const

function recordBytes(bytes: number = usualRecordBytes): number {
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes
  throw new RangeError(`maxRecordBytes is a whole number from 1, got ${bytes}`)
}

/** Names of the params that bound the run: `from` inclusive, `to` exclusive. Without it the source's own first and last value do. */
export interface BoundParams<Param extends string> {
  readonly from: Param
  readonly to: Param
}

/** One partition per Parquet row group. */
export interface ByRowGroup {
  readonly kind: 'rowGroup'
}
/** Row ranges of equal size, never across a file. */
export interface ByRows {
  readonly kind: 'rows'
  readonly rows: number
}
/** Ranges of offsets of equal size, never across a topic partition. */
export interface ByOffsets {
  readonly kind: 'offsets'
  /** Offsets in a range: as many records, where none was aborted or compacted away. */
  readonly records: number
}
/** Half-open windows of a time column, cut at calendar periods of a time zone. */
export interface ByTime<Column extends string, Param extends string> {
  readonly kind: 'time'
  readonly column: Column
  /** ISO 8601 duration: PT15M, PT1H, P1D, P1W, P1M, P1Y. */
  readonly every: string
  readonly timezone: string
  readonly bounds: BoundParams<Param> | null
}
/** Half-open ranges of an integer column. */
export interface ByKey<Column extends string, Param extends string> {
  readonly kind: 'key'
  readonly column: Column
  /** Keys in a range (not rows: keys may have gaps). */
  readonly size: bigint
  readonly bounds: BoundParams<Param> | null
}

/** Half-open ranges of an integer or time column that hold about equally many rows, however unevenly these lie in it. */
export interface ByQuantiles<Column extends string, Param extends string> {
  readonly kind: 'quantiles'
  readonly column: Column
  /** Rows a partition, about. */
  readonly rows: number
  /** Of bounds that are dates. */
  readonly timezone: string
  readonly bounds: BoundParams<Param> | null
}
/** As by quantiles, of the column that is cheapest to read in its order. */
export interface ByAuto {
  readonly kind: 'auto'
  readonly rows: number
}

export type PartitionBy<Column extends string = string, Param extends string = string> =
  | ByRowGroup
  | ByRows
  | ByOffsets
  | ByTime<Column, Param>
  | ByKey<Column, Param>
  | ByQuantiles<Column, Param>
  | ByAuto

/** Rows a partition of which nothing is said: seconds of work, so that what a crash costs and what is left to share at the end are small. */
const usualRows = 250_000

/** Ways of cutting a source into partitions. */
export const partition = {
  /** One partition per row group of the source's Parquet files. */
  byRowGroup(): ByRowGroup {
    return { kind: 'rowGroup' }
  },
  /** Ranges of `rows` rows each, the last of a file smaller. Throws RangeError below 1. */
  byRows(rows: number): ByRows {
    if (!Number.isSafeInteger(rows) || rows < 1)
      throw new RangeError(`partition.byRows takes a whole number from 1, got ${rows}`)
    return { kind: 'rows', rows }
  },
  /** Ranges of `records` offsets of a Kafka topic, the last of a topic partition smaller. Throws RangeError below 1. */
  byOffsets(records: number): ByOffsets {
    if (!Number.isSafeInteger(records) || records < 1)
      throw new RangeError(`partition.byOffsets takes a whole number from 1, got ${records}`)
    return { kind: 'offsets', records }
  },
  /**
   * Windows of a time column. `every` is an ISO 8601 duration, `timezone` an IANA name (days of 23 and 25 hours are
   * respected); `bounds` names the params that hold the first instant and the one after the last.
   */
  byTime<const Column extends string, const Param extends string = never>(
    column: Column,
    options: { every: string; timezone?: string; bounds?: BoundParams<Param> },
  ): ByTime<Column, NoInfer<Param>> {
    return {
      kind: 'time',
      column,
      every: options.every,
      timezone: options.timezone ?? 'UTC',
      bounds: options.bounds ?? null,
    }
  },
  /** Ranges of `size` keys of an integer column; `bounds` names the params that hold the first key and the one after the last. */
  byKey<const Column extends string, const Param extends string = never>(
    column: Column,
    options: { size: bigint | number; bounds?: BoundParams<Param> },
  ): ByKey<Column, NoInfer<Param>> {
    const size = BigInt(options.size)
    if (size < 1n) throw new RangeError(`partition.byKey takes a size from 1, got ${size}`)
    return { kind: 'key', column, size, bounds: options.bounds ?? null }
  },
  /**
   * Ranges of an integer or time column with about `rows` rows each (default 250,000), by the server's statistics or a
   * sample: for columns over which the rows lie unevenly. A single value is never cut. `bounds` as in `byTime`.
   */
  byQuantiles<const Column extends string, const Param extends string = never>(
    column: Column,
    options: { rows?: number; timezone?: string; bounds?: BoundParams<Param> } = {},
  ): ByQuantiles<Column, NoInfer<Param>> {
    const rows = rowsOf('byQuantiles', options.rows)
    return { kind: 'quantiles', column, rows, timezone: options.timezone ?? 'UTC', bounds: options.bounds ?? null }
  },
  /**
   * Leaves the choice to the planner: quantiles of the indexed integer or time column in whose order the table lies on
   * disk, so that a partition is read from neighbouring blocks. A sink that owns a range is cut along its column.
   * The plan says which column it is, and why.
   */
  auto(options: { rows?: number } = {}): ByAuto {
    return { kind: 'auto', rows: rowsOf('auto', options.rows) }
  },
} as const

function rowsOf(way: string, rows: number = usualRows): number {
  if (Number.isSafeInteger(rows) && rows >= 1) return rows
  throw new RangeError(`partition.${way} takes rows from 1, got ${rows}`)
}

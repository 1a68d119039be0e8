import type { NumberedKind } from '../contract/range.ts'

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
/** Ranges of bytes of equal size, never across a file; a record is in the range that holds its first byte. */
export interface ByBytes {
  readonly kind: 'bytes'
  readonly bytes: number
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
/** Half-open ranges of an integer, numeric or uuid column. */
export interface ByKey<Column extends string, Param extends string> {
  readonly kind: 'key'
  readonly column: Column
  /** Keys in a range (not rows: keys may have gaps). */
  readonly size: bigint
  readonly bounds: BoundParams<Param> | null
}

/** Half-open ranges of one or more columns that hold about equally many rows, however unevenly these lie in them. */
export interface ByQuantiles<Column extends string, Param extends string> {
  readonly kind: 'quantiles'
  readonly columns: readonly Column[]
  /** Rows a partition, about. */
  readonly rows: number
  /** Of bounds that are dates. */
  readonly timezone: string
  readonly bounds: BoundParams<Param> | null
}
/** Arcs of the ring of a column's hashes. */
export interface ByHash<Column extends string> {
  readonly kind: 'hash'
  readonly column: Column
  readonly partitions: number
}
/** Rows with the values of a list that the request brings. */
export interface ByList<Column extends string, Param extends string> {
  readonly kind: 'list'
  readonly column: Column
  /** Name of the param that holds the list. */
  readonly values: Param
  /** Values a partition. */
  readonly size: number
}
/** A range that a definition's own function gives, half-open: digits, an instant in UTC, or a UUID. */
export interface GivenRange {
  readonly from: string
  readonly to: string
  readonly estimatedRows?: number
}
/** Ranges of a definition's own. */
export interface ByCustom<Column extends string, Param extends string> {
  readonly kind: 'custom'
  readonly column: Column
  readonly ranges: (domain: {
    readonly kind: NumberedKind
    readonly from: string
    readonly to: string
  }) => Iterable<GivenRange>
  /** Of bounds that are dates. */
  readonly timezone: string
  readonly bounds: BoundParams<Param> | null
}
/** Ranges of blocks of a table, as they lie on disk. */
export interface ByBlocks {
  readonly kind: 'blocks'
  /** Rows a partition, about. */
  readonly rows: number
}
/** As by quantiles, of the column that is cheapest to read in its order. */
export interface ByAuto {
  readonly kind: 'auto'
  readonly rows: number
}

export type PartitionBy<Column extends string = string, Param extends string = string> =
  | ByRowGroup
  | ByRows
  | ByBytes
  | ByOffsets
  | ByTime<Column, Param>
  | ByKey<Column, Param>
  | ByQuantiles<Column, Param>
  | ByHash<Column>
  | ByList<Column, Param>
  | ByCustom<Column, Param>
  | ByBlocks
  | ByAuto

/** Rows a partition of which nothing is said: seconds of work, so that what a crash costs and what is left to share at the end are small. */
const usualRows = 250_000
/** The same in bytes of text. */
const usualBytes = 64 * 1024 * 1024

/** Values of a list a partition of which nothing is said. */
export const usualListSize = 1_000

/** They travel in the task, which must stay far below what a broker takes. */
const mostValues = 5_000

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
   * Ranges of `bytes` bytes each (default 64 MiB) of text files, the last of a file smaller; each holds the records that
   * begin in it. Throws RangeError below 1.
   */
  byBytes(bytes: number = usualBytes): ByBytes {
    if (!Number.isSafeInteger(bytes) || bytes < 1)
      throw new RangeError(`partition.byBytes takes a whole number from 1, got ${bytes}`)
    return { kind: 'bytes', bytes }
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
  /**
   * Ranges of `size` keys of an integer, numeric or uuid column, cut at whole numbers (a uuid is one of 128 bits);
   * `bounds` names the params that hold the first key and the one after the last.
   */
  byKey<const Column extends string, const Param extends string = never>(
    column: Column,
    options: { size: bigint | number; bounds?: BoundParams<Param> },
  ): ByKey<Column, NoInfer<Param>> {
    const size = BigInt(options.size)
    if (size < 1n) throw new RangeError(`partition.byKey takes a size from 1, got ${size}`)
    return { kind: 'key', column, size, bounds: options.bounds ?? null }
  },
  /**
   * Ranges of a column with about `rows` rows each (default 250,000), by the server's statistics or a sample: for
   * columns over which the rows lie unevenly, and for texts. Several columns, which an index has in this order, are
   * compared as a row. A single value is never cut. `bounds`, of one column only, as in `byTime`.
   */
  byQuantiles<const Column extends string, const Param extends string = never>(
    column: Column | readonly [Column, ...Column[]],
    options: { rows?: number; timezone?: string; bounds?: BoundParams<Param> } = {},
  ): ByQuantiles<Column, NoInfer<Param>> {
    const rows = rowsOf('byQuantiles', options.rows)
    const columns = typeof column === 'string' ? [column] : column
    return { kind: 'quantiles', columns, rows, timezone: options.timezone ?? 'UTC', bounds: options.bounds ?? null }
  },
  /**
   * Arcs of the ring of hashes of a column (as text), for tables with an index on
   * `hashtextextended(column::text, 0)`; without one each partition reads the whole table. Equal values share a partition; twice as many partitions halve each of them.
   * Rows that come while the run goes on are in the domain too.
   */
  byHash<const Column extends string>(column: Column, options: { partitions: number }): ByHash<Column> {
    const { partitions } = options
    if (!Number.isSafeInteger(partitions) || partitions < 1)
      throw new RangeError(`partition.byHash takes partitions from 1, got ${partitions}`)
    return { kind: 'hash', column, partitions }
  },
  /**
   * Only the rows whose column has one of the values of a list, which the param `values` holds (texts or numbers, at most 100,000), `size` of
   * them a partition (default 1,000): for doing again what somebody found wrong.
   */
  byList<const Column extends string, const Param extends string>(
    column: Column,
    options: { values: Param; size?: number },
  ): ByList<Column, NoInfer<Param>> {
    const { values, size = usualListSize } = options
    if (!Number.isSafeInteger(size) || size < 1 || size > mostValues)
      throw new RangeError(`partition.byList takes a size from 1 to ${mostValues}, got ${size}`)
    return { kind: 'list', column, values, size }
  },
  /**
   * Ranges of your own of an integer, numeric, time or uuid column. `ranges` is given the pinned domain and gives ranges that
   * tile it, in order; a gap or an overlap is refused with both ranges. Pure: the same domain gives the same ranges, for
   * a plan may be written in several goes. `bounds` as in `byTime`.
   */
  custom<const Column extends string, const Param extends string = never>(
    column: Column,
    options: {
      ranges: ByCustom<Column, Param>['ranges']
      timezone?: string
      bounds?: BoundParams<Param>
    },
  ): ByCustom<Column, NoInfer<Param>> {
    const { ranges, timezone = 'UTC', bounds = null } = options
    return { kind: 'custom', column, ranges, timezone, bounds }
  },
  /**
   * Ranges of a table's blocks with about `rows` rows each (default 250,000), read as they lie on disk, whatever its
   * columns: the cheapest way to read a whole table. Only the rows that are there when the bounds are pinned, and are not
   * changed before they are read: one that is changed may lie elsewhere then, and belongs to a later run. For sinks that
   * own no range.
   */
  byBlocks(options: { rows?: number } = {}): ByBlocks {
    return { kind: 'blocks', rows: rowsOf('byBlocks', options.rows) }
  },
  /**
   * Leaves the choice to the planner: quantiles of the indexed integer, numeric, time or uuid column in whose order the table lies on
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

// Reads: one table of a Postgres database, in pages by key. Writes: nothing.
// On a crash: nothing is kept; reading resumes after the cursor, the partition value and key of the last row handled.
// Never: reads a row whose partition column is null (such a row is in no window), nor holds a transaction open.
import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import { boundText, boundValue, type Cursor, microsToInstant } from '../contract/range.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { PostgresTableSource } from '../define/source-definition.ts'
import { quoteIdentifier, type TableName, tableName } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { chooseColumn } from './choose-column.ts'
import { paramBounds } from './param-bounds.ts'
import { tableBounds } from './postgres-bounds.ts'
import { estimatedRows, missingTable, type TableColumn, tableColumns } from './postgres-catalog.ts'
import { fromText, isTime, microsOf } from './postgres-conversion.ts'
import { type RowPlace, writeCursor } from './postgres-cursor.ts'
import { boundType, fetchTexts, pageStatement, type Selection, selectionOf, type TableOrder } from './postgres-pages.ts'
import { type PartitionColumn, tableProblems } from './postgres-schema.ts'
import { firstPages } from './postgres-small-ranges.ts'
import { valueStatistics } from './postgres-statistics.ts'
import { anyField, hasObjectRules, type RowField, rowFields } from './row-field.ts'
import { spreadOf, storedSpread } from './row-spread.ts'
import type { Page, PageRows, Source, SourceRange } from './source.ts'
import { type TextColumn, type TextRow, TextRows } from './text-rows.ts'
import { validatedRows } from './validated-rows.ts'

/** A table that was changed is seen this much later. Short: what is wrong with it may have been mended. */
const catalogueMs = 2_000

/**
 * The rows of a table in the order of the partition column and then of the key. Rows that change while a run reads
 * are read as they are then; a row whose partition column is null belongs to no partition and is never read.
 * `partitionBy` lets `check` look at the partition column too.
 */
export function openPostgresTable(
  definition: PostgresTableSource<AnyRow>,
  options: { readonly pool: Pool; readonly partitionBy?: PartitionBy },
): Source {
  return new PostgresTable(definition, options.pool, options.partitionBy ?? null)
}

/** How rows are selected, and made of what comes. */
interface Layout {
  readonly order: TableOrder
  readonly selection: Selection
  readonly converted: readonly TextColumn[]
}

class PostgresTable implements Source {
  readonly #definition: PostgresTableSource<AnyRow>
  readonly #pool: Pool
  readonly #partitionBy: PartitionBy | null
  readonly #table: TableName
  /** Null: the schema does not tell its fields, every column is read. */
  readonly #fields: readonly RowField[] | null
  /** The schema has to see rows as a whole. */
  readonly #validates: boolean
  readonly #firstPage: ReturnType<typeof firstPages>
  /** By the catalogue's answer. */
  readonly #layouts = new WeakMap<readonly TableColumn[], Map<string, Layout>>()
  /** The catalogue's answer, for partitions that are begun soon after each other. */
  #known: { readonly columns: Promise<readonly TableColumn[]>; readonly untilMs: number } | undefined

  constructor(definition: PostgresTableSource<AnyRow>, pool: Pool, partitionBy: PartitionBy | null) {
    const fields = rowFields(definition.schema)
    this.#definition = definition
    this.#pool = pool
    this.#firstPage = firstPages(pool)
    this.#partitionBy = partitionBy
    this.#table = tableName(definition.table)
    this.#validates = fields === null || hasObjectRules(definition.schema)
    this.#fields = this.#validates ? (fields?.map((field) => ({ ...field, refine: null })) ?? null) : fields
  }

  async check(_signal: AbortSignal): Promise<void> {
    this.#known = undefined
    await this.#columns(this.#partitionBy)
  }

  async pin(partitionBy: PartitionBy, params: AnyRow, _signal: AbortSignal): Promise<PinnedBounds> {
    const by = windowed(partitionBy)
    const chosen =
      by.kind === 'auto'
        ? await chooseColumn(this.#pool, this.#table, await this.#columns(null), this.#definition.key)
        : null
    const columnName = chosen?.column ?? (by.kind === 'auto' ? '' : by.column)
    const column = columnNamed(await this.#columns({ kind: by.kind, column: columnName }), columnName)
    const kind = isTime(column) ? 'time' : 'integer'
    const bounds =
      by.kind === 'auto' || by.bounds === null
        ? await tableBounds(this.#pool, this.#table, column)
        : paramBounds(kind, by.bounds, params, by.kind === 'key' ? 'UTC' : by.timezone)
    const [name, bound] = [quoteIdentifier(columnName), boundType(column)]
    const within = `${name} >= $1::${bound} and ${name} < $2::${bound}`
    const rows = await estimatedRows(this.#pool, this.#table, within, [bounds.from, bounds.to])
    const pinned = { kind, column: columnName, ...bounds, estimatedRows: rows } as const
    if (by.kind === 'time' || by.kind === 'key') return pinned
    return { ...pinned, ...(await this.#spread(column, pinned)), ...(chosen === null ? {} : { why: chosen.why }) }
  }

  /** Where the rows lie, and how many they are. */
  async #spread(
    column: TableColumn,
    { kind, from, to, estimatedRows: rows }: Extract<PinnedBounds, { kind: 'integer' | 'time' }>,
  ): Promise<Pick<Extract<PinnedBounds, { kind: 'integer' }>, 'estimatedRows' | 'spread'>> {
    const domain = { from: boundValue(kind, from), to: boundValue(kind, to) }
    if (domain.from >= domain.to) return { estimatedRows: 0 }
    const statistics = await valueStatistics(this.#pool, this.#table, column, domain, { from, to }, rows)
    const known = statistics.rows ?? rows ?? 0
    const steps = spreadOf(statistics, domain, known)
    return { estimatedRows: known, spread: storedSpread(steps, (value) => boundText(kind, value)) }
  }

  async *read(
    { range, locator }: SourceRange,
    after: Cursor | null,
    chunkRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    signal.throwIfAborted()
    if (boundValue(range.kind, range.from) >= boundValue(range.kind, range.to)) {
      yield { rows: [], cursor: after, last: true }
      return
    }
    const by = { kind: range.kind === 'time' ? ('time' as const) : ('key' as const), column: columnOf(locator, range) }
    const { order, selection, converted } = await this.#layout(by)
    const whereIs = (row: TextRow | undefined): string =>
      `table ${this.#definition.table}, row with ${this.#definition.key} ${row?.[selection.keyAt]}`
    const { from, to } = range
    // One row more than the page takes tells whether it is the last.
    const limit = chunkRows + 1
    for (let [cursor, last] = [after, false]; !last; ) {
      const texts =
        cursor === null
          ? await this.#firstPage({ order, from, to, limit, signal })
          : await fetchTexts(this.#pool, pageStatement(order, from, to, cursor, limit), signal)
      last = texts.length <= chunkRows
      const page = last ? texts : texts.slice(0, chunkRows)
      const end = page.at(-1)
      if (end !== undefined) cursor = writeCursor(placeOf(end, order, selection))
      const rows = new TextRows(converted, page, whereIs)
      yield {
        rows: this.#validates ? await this.#validated(rows, (index) => whereIs(page[index])) : rows,
        cursor,
        last,
      }
    }
  }

  /** The same object for partitions that are begun soon after each other. */
  async #layout(by: { readonly kind: 'time' | 'key'; readonly column: string }): Promise<Layout> {
    const columns = await this.#columns(by)
    const which = `${by.kind} ${by.column}`
    const layouts = this.#layouts.get(columns) ?? new Map<string, Layout>()
    this.#layouts.set(columns, layouts)
    const known = layouts.get(which)
    if (known !== undefined) return known
    const fields = this.#fieldsOf(columns)
    const order: TableOrder = {
      table: this.#table,
      columns: fields.map(({ name }) => columnNamed(columns, name)),
      partitionColumn: columnNamed(columns, by.column),
      key: columnNamed(columns, this.#definition.key),
    }
    const converted = fields.map((field): TextColumn => textColumn(columnNamed(columns, field.name), field))
    const layout = { order, selection: selectionOf(order), converted }
    layouts.set(which, layout)
    return layout
  }

  #catalogue(): Promise<readonly TableColumn[]> {
    const nowMs = performance.now()
    if (this.#known !== undefined && nowMs < this.#known.untilMs) return this.#known.columns
    const columns = tableColumns(this.#pool, this.#table)
    const known = { columns, untilMs: nowMs + catalogueMs }
    this.#known = known
    columns.catch(() => {
      if (this.#known === known) this.#known = undefined
    })
    return columns
  }

  #validated(rows: PageRows, whereIs: (index: number) => string): Promise<PageRows> {
    return validatedRows(this.#definition.schema, rows, whereIs)
  }

  #fieldsOf(columns: readonly TableColumn[]): readonly RowField[] {
    return this.#fields ?? columns.map(({ name }) => anyField(name))
  }

  /** The table's columns. Throws TerminalError (SOURCE_NOT_READABLE) with all that is wrong. */
  async #columns(by: { readonly kind: string; readonly column?: string } | null): Promise<readonly TableColumn[]> {
    const columns = await this.#catalogue()
    const partitionColumn: PartitionColumn | null =
      by?.column === undefined
        ? null
        : { name: by.column, kind: by.kind === 'time' || by.kind === 'key' ? by.kind : 'either' }
    const problems =
      columns.length === 0
        ? [await missingTable(this.#pool, this.#table)]
        : tableProblems(columns, this.#fieldsOf(columns), this.#definition.key, partitionColumn).map(
            (problem) => `table ${this.#definition.table}: ${problem}`,
          )
    if (problems.length > 0) throw new TerminalError('SOURCE_NOT_READABLE', problems.join('; '), { reasons: problems })
    return columns
  }
}

function windowed(by: PartitionBy): Exclude<PartitionBy, { kind: 'rowGroup' | 'rows' | 'offsets' }> {
  if (by.kind !== 'rowGroup' && by.kind !== 'rows' && by.kind !== 'offsets') return by
  throw new TerminalError(
    'PLAN_INVALID',
    `a table cannot be cut by ${by.kind}: use partition.byTime, byKey, byQuantiles or auto`,
  )
}

function columnNamed(columns: readonly TableColumn[], name: string): TableColumn {
  const column = columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new TerminalError('SOURCE_NOT_READABLE', `column "${name}" is missing`)
  return column
}

function columnOf(locator: SourceRange['locator'], range: SourceRange['range']): string {
  if (typeof locator?.['column'] === 'string') return locator['column']
  throw new TerminalError(
    'SOURCE_NOT_READABLE',
    `partition ${range.from} to ${range.to} does not say which column it counts in: plan the run again`,
  )
}

function textColumn(column: TableColumn, field: RowField): TextColumn {
  const convert = fromText(column, field)
  if (convert === null) throw new TerminalError('SOURCE_NOT_READABLE', `column "${field.name}" cannot be ${field.kind}`)
  return { name: field.name, convert, absent: field.absent }
}

function placeOf(row: TextRow, { partitionColumn, key }: TableOrder, { valueAt, keyAt }: Selection): RowPlace {
  const [value, keyText] = [row[valueAt] ?? '', row[keyAt] ?? '']
  return {
    value: isTime(partitionColumn) ? microsToInstant(microsOf(value)) : value,
    key: partitionColumn.name === key.name && !isTime(partitionColumn) ? null : keyText,
  }
}

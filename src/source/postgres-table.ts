// Reads: one table of a Postgres database, in pages by key. Writes: nothing.
// On a crash: nothing is kept; reading resumes after the cursor, the partition values and key of the last row handled.
// Never: reads a row whose partition column is null (such a row is in no window), nor holds a transaction open.
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import { type Cursor, isEmptyRange } from '../contract/range.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { PostgresTableSource } from '../define/source-definition.ts'
import { type TableName, tableName } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { BlockLocator, readBlocks } from './block-pages.ts'
import { lowestAbove } from './bounds-above.ts'
import { chooseColumn } from './choose-column.ts'
import { keyTerm, nameOf } from './order-term.ts'
import { type PartitionColumns, partitionTerms } from './partition-order.ts'
import { pinBlocks } from './pin-blocks.ts'
import { type ColumnsBy, pinTable } from './pin-table.ts'
import { hasRowsAbove } from './postgres-bounds.ts'
import { missingTable, type TableColumn } from './postgres-catalog.ts'
import { fromText, selected } from './postgres-conversion.ts'
import { writeCursor } from './postgres-cursor.ts'
import { fetchTexts, pageStatement, type Selection, selectionOf, type TableOrder } from './postgres-pages.ts'
import { type Catalogue, fitOf, type Partitioning, partitioningOf, tableProblems } from './postgres-schema.ts'
import { firstPages } from './postgres-small-ranges.ts'
import { writersEnded } from './postgres-writers.ts'
import { anyField, hasObjectRules, type RowField, rowFields } from './row-field.ts'
import type { Page, PageRows, Source, SourceRange } from './source.ts'
import { locatedBy, sourceUnreadable } from './source-unreadable.ts'
import { tableCatalogue } from './table-catalogue.ts'
import { tableWarnings } from './table-warnings.ts'
import { type TextColumn, type TextRow, TextRows } from './text-rows.ts'
import { validatedRows } from './validated-rows.ts'

/** Whoever waits longer for transactions to end holds up other requests. */
const usualSettleMs = 3_000

/**
 * The rows of a table in the order of the partition column and then of the key. Rows that change while a run reads
 * are read as they are then; a row whose partition column is null belongs to no partition and is never read.
 * `partitionBy` lets `check` look at the partition column too.
 */
export function openPostgresTable(
  definition: PostgresTableSource<AnyRow>,
  options: { readonly pool: Pool; readonly partitionBy?: PartitionBy; readonly settleMs?: number },
): Source {
  return new PostgresTable(definition, options.pool, options.partitionBy ?? null, options.settleMs ?? usualSettleMs)
}

/** How rows are selected, and made of what comes. */
interface Layout {
  readonly order: TableOrder
  readonly selection: Selection
  readonly converted: readonly TextColumn[]
  /** Where in a row the values of the key stand. */
  readonly keyAt: readonly number[]
}

class PostgresTable implements Source {
  readonly #definition: PostgresTableSource<AnyRow>
  readonly #pool: Pool
  readonly #partitionBy: PartitionBy | null
  readonly #table: TableName
  readonly #settleMs: number
  /** Null: the schema does not tell its fields, every column is read. */
  readonly #fields: readonly RowField[] | null
  /** The schema has to see rows as a whole. */
  readonly #validates: boolean
  readonly #firstPage: ReturnType<typeof firstPages>
  readonly #catalogue: ReturnType<typeof tableCatalogue>
  /** By the catalogue's answer. */
  readonly #layouts = new WeakMap<Catalogue, Map<string, Layout>>()

  constructor(definition: PostgresTableSource<AnyRow>, pool: Pool, partitionBy: PartitionBy | null, settleMs: number) {
    const fields = rowFields(definition.schema)
    this.#definition = definition
    this.#pool = pool
    this.#firstPage = firstPages(pool)
    this.#partitionBy = partitionBy
    this.#settleMs = settleMs
    this.#table = tableName(definition.table)
    this.#catalogue = tableCatalogue(pool, this.#table)
    this.#validates = fields === null || hasObjectRules(definition.schema)
    this.#fields = this.#validates ? (fields?.map((field) => ({ ...field, refine: null })) ?? null) : fields
  }

  async check(_signal: AbortSignal): Promise<void> {
    this.#catalogue.forget()
    await this.#checked(this.#partitionBy === null ? null : partitioningOf(this.#partitionBy))
  }

  async hasAbove(before: PinnedBounds, _signal: AbortSignal): Promise<boolean> {
    if (!('column' in before)) return false
    const { kind, column } = before
    const { columns } = await this.#checked({ columns: [column], fits: fitOf(kind, false) })
    return hasRowsAbove(this.#pool, this.#table, kind, columnNamed(columns, column), lowestAbove(before))
  }

  async warnings(bounds: PinnedBounds, _signal: AbortSignal): Promise<readonly string[]> {
    return tableWarnings(this.#pool, this.#table, await this.#catalogue.get(), this.#definition.key, bounds)
  }

  settle(signal: AbortSignal): Promise<void> {
    return writersEnded(this.#pool, this.#table, this.#settleMs, signal)
  }

  async pin(
    partitionBy: PartitionBy,
    params: AnyRow,
    signal: AbortSignal,
    before?: PinnedBounds,
  ): Promise<PinnedBounds> {
    if (partitionBy.kind === 'blocks') {
      await this.#checked(null)
      return pinBlocks(this.#pool, this.#table, this.#settleMs, signal)
    }
    const { by, why } = await this.#chosen(partitionBy)
    const { columns } = await this.#checked(partitioningOf(by))
    const named = 'columns' in by ? by.columns : [by.column]
    const along = named.map((name) => columnNamed(columns, name))
    const bounds = await pinTable(this.#pool, this.#table, by, along, params, before)
    return { ...bounds, ...(why === null ? {} : { why }) }
  }

  /** The way of cutting with its columns; `why` is null where they were named. */
  async #chosen(by: PartitionBy): Promise<{ readonly by: ColumnsBy; readonly why: string | null }> {
    if (
      by.kind === 'rowGroup' ||
      by.kind === 'rows' ||
      by.kind === 'bytes' ||
      by.kind === 'offsets' ||
      by.kind === 'blocks'
    )
      throw new TerminalError(
        'PLAN_INVALID',
        `a table cannot be cut by ${by.kind}: use partition.byTime, byKey, byQuantiles, byHash, custom or auto`,
      )
    if (by.kind !== 'auto') return { by, why: null }
    const { columns } = await this.#checked(null)
    const { columns: along, why } = await chooseColumn(this.#pool, this.#table, columns, this.#definition.key)
    return { by: { kind: 'quantiles', columns: along, rows: by.rows, timezone: 'UTC', bounds: null }, why }
  }

  async *read(
    { range, locator }: SourceRange,
    after: Cursor | null,
    chunkRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    signal.throwIfAborted()
    if (isEmptyRange(range)) {
      yield { rows: [], cursor: after, last: true }
      return
    }
    const located = locatedBy(Locator, { range, locator }, 'which column it counts in')
    if ('filenode' in located) {
      yield* this.#readBlocks(range, located, after, chunkRows, signal)
      return
    }
    const { order: all, selection, converted, keyAt } = await this.#layout(columnsOf(located, range))
    const order = 'values' in located && located.values !== undefined ? await this.#only(all, located) : all
    const whereIs = (row: TextRow | undefined): string =>
      `table ${this.#definition.table}, row with ${this.#definition.key.map((name, at) => `${name} ${row?.[keyAt[at] ?? -1]}`).join(', ')}`
    // One row more than the page takes tells whether it is the last.
    const limit = chunkRows + 1
    for (let [cursor, last] = [after, false]; !last; ) {
      const texts =
        cursor === null
          ? await this.#firstPage({ order, range, limit, signal })
          : await fetchTexts(this.#pool, pageStatement(order, range, cursor, limit), signal)
      last = texts.length <= chunkRows
      const page = last ? texts : texts.slice(0, chunkRows)
      const end = page.at(-1)
      if (end !== undefined) cursor = writeCursor(termsOf(end, order, selection))
      const rows = new TextRows(converted, page, whereIs)
      yield {
        rows: this.#validates ? await this.#validated(rows, (index) => whereIs(page[index])) : rows,
        cursor,
        last,
      }
    }
  }

  async *#readBlocks(
    { from, to }: SourceRange['range'],
    locator: BlockLocator,
    after: Cursor | null,
    chunkRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    const { columns } = await this.#checked(null)
    const fields = this.#fieldsOf(columns)
    const list = fields.map(({ name }) => selected(columnNamed(columns, name), nameOf(columnNamed(columns, name))))
    const converted = fields.map((field): TextColumn => textColumn(columnNamed(columns, field.name), field))
    const whereIs = (row: TextRow | undefined): string =>
      `table ${this.#definition.table}, row at ${row?.[list.length]}`
    const range = { table: this.#table, list, from: Number(from), to: Number(to), locator }
    for await (const { texts, cursor, last } of readBlocks(this.#pool, range, after, chunkRows, signal)) {
      const rows = new TextRows(converted, texts, whereIs)
      yield {
        rows: this.#validates ? await this.#validated(rows, (index) => whereIs(texts[index])) : rows,
        cursor,
        last,
      }
    }
  }

  /** The order, of rows with the values of a list. */
  async #only(order: TableOrder, { columns, values }: Extract<Locator, { columns: string[] }>): Promise<TableOrder> {
    const type = columnNamed((await this.#catalogue.get()).columns, columns[0] ?? '').label
    return { ...order, only: { values: values ?? [], type } }
  }

  /** The same object for partitions that are begun soon after each other. */
  async #layout(by: PartitionColumns): Promise<Layout> {
    const catalogue = await this.#checked({ columns: by.columns, fits: fitOf(by.kind, by.hashed) })
    const { columns } = catalogue
    const which = JSON.stringify(by)
    const layouts = this.#layouts.get(catalogue) ?? new Map<string, Layout>()
    this.#layouts.set(catalogue, layouts)
    const known = layouts.get(which)
    if (known !== undefined) return known
    const fields = this.#fieldsOf(columns)
    const named = (name: string): TableColumn => columnNamed(columns, name)
    const partition = partitionTerms(by, by.columns.map(named))
    const ordered = by.hashed ? [] : by.columns
    const key = this.#definition.key.filter((name) => !ordered.includes(name)).map(named)
    const order: TableOrder = {
      table: this.#table,
      columns: fields.map(({ name }) => named(name)),
      partition,
      terms: [...partition, ...key.map(keyTerm)],
      only: null,
    }
    const converted = fields.map((field): TextColumn => textColumn(named(field.name), field))
    const selection = selectionOf(order)
    const keyAt = this.#definition.key.map(
      (name) => selection.termsAt[order.terms.findLastIndex((term) => term.name === name)] ?? -1,
    )
    const layout = { order, selection, converted, keyAt }
    layouts.set(which, layout)
    return layout
  }

  #validated(rows: PageRows, whereIs: (index: number) => string): Promise<PageRows> {
    return validatedRows(this.#definition.schema, rows, whereIs)
  }

  #fieldsOf(columns: readonly TableColumn[]): readonly RowField[] {
    return this.#fields ?? columns.map(({ name }) => anyField(name))
  }

  /** What is known of the table. Throws TerminalError (SOURCE_NOT_READABLE) with all that is wrong. */
  async #checked(partitioning: Partitioning | null): Promise<Catalogue> {
    const catalogue = await this.#catalogue.get()
    const problems =
      catalogue.columns.length === 0
        ? [await missingTable(this.#pool, this.#table)]
        : tableProblems(catalogue, this.#fieldsOf(catalogue.columns), this.#definition.key, partitioning).map(
            (problem) => `table ${this.#definition.table}: ${problem}`,
          )
    if (problems.length > 0) throw sourceUnreadable(problems)
    return catalogue
  }
}

function columnNamed(columns: readonly TableColumn[], name: string): TableColumn {
  const column = columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new TerminalError('SOURCE_NOT_READABLE', `column "${name}" is missing`)
  return column
}

/** As `plan/cut` makes it. */
const Locator = z.union([
  BlockLocator,
  z.object({ column: z.string(), hashed: z.literal(true).optional() }),
  z.object({ columns: z.array(z.string()).min(1), values: z.array(z.string()).optional() }),
])

type Locator = z.infer<typeof Locator>

const columnsOf = (locator: Exclude<Locator, BlockLocator>, { kind }: SourceRange['range']): PartitionColumns =>
  'columns' in locator
    ? { kind, columns: locator.columns, hashed: false }
    : { kind, columns: [locator.column], hashed: locator.hashed === true }

function textColumn(column: TableColumn, field: RowField): TextColumn {
  const convert = fromText(column, field)
  if (convert === null) throw new TerminalError('SOURCE_NOT_READABLE', `column "${field.name}" cannot be ${field.kind}`)
  return { name: field.name, convert, absent: field.absent }
}

const termsOf = (row: TextRow, { terms }: TableOrder, { termsAt }: Selection): string[] =>
  terms.map(({ text }, at) => text(row[termsAt[at] ?? -1] ?? ''))

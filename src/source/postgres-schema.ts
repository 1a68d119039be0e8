import type { KeyKind } from '../contract/range.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import { insteadOf } from './nearest-name.ts'
import type { TableColumn, TableIndex } from './postgres-catalog.ts'
import { fromText, isTime, kindsFor } from './postgres-conversion.ts'
import { numberedKindOf } from './postgres-numbers.ts'
import { declaration, type RowField } from './row-field.ts'

/** What is known of a table. */
export interface Catalogue {
  readonly columns: readonly TableColumn[]
  readonly indexes: readonly TableIndex[]
}

/** The columns along which a table is cut, and what they have to be. */
export interface Partitioning {
  readonly columns: readonly string[]
  readonly fits: Fit
}

/** `ordered`: of texts too, and of several columns. */
export type Fit = 'time' | 'number' | 'numbered' | 'ordered' | 'anything'

const typesThatFit: Readonly<Record<Fit, string>> = {
  time: 'timestamptz, timestamp or date',
  number: 'int2, int4, int8, numeric or uuid',
  numbered: 'int2, int4, int8, numeric, uuid, timestamptz, timestamp or date',
  ordered: 'a number, a time, uuid, text, varchar, char, boolean or an enum',
  anything: 'anything',
}

/** What the partition columns of a definition have to be; null where they are not named. */
export function partitioningOf(by: PartitionBy): Partitioning | null {
  switch (by.kind) {
    case 'time':
      return { columns: [by.column], fits: 'time' }
    case 'key':
      return { columns: [by.column], fits: 'number' }
    case 'custom':
      return { columns: [by.column], fits: 'numbered' }
    case 'quantiles':
      return { columns: by.columns, fits: 'ordered' }
    case 'list':
      return { columns: [by.column], fits: 'ordered' }
    case 'hash':
      return { columns: [by.column], fits: 'anything' }
    case 'auto':
    case 'blocks':
    case 'rowGroup':
    case 'rows':
    case 'bytes':
    case 'offsets':
      return null
  }
}

/** What the columns of a range have to be. */
export function fitOf(kind: KeyKind, hashed: boolean): Fit {
  if (hashed) return 'anything'
  return kind === 'key' ? 'ordered' : kind === 'time' ? 'time' : 'number'
}

/** Every way in which a table cannot be read as the definition says. `partitioning` is null where it is not known. */
export function tableProblems(
  { columns, indexes }: Catalogue,
  fields: readonly RowField[],
  key: readonly string[],
  partitioning: Partitioning | null,
): readonly string[] {
  const wanted = new Set([...fields.map(({ name }) => name), ...key, ...(partitioning?.columns ?? [])])
  const byName = new Map(columns.map((column) => [column.name, column]))
  const missing = [...wanted].filter((name) => !byName.has(name))
  const hidden = [...wanted].filter((name) => byName.get(name)?.readable === false)
  const names = columns.map(({ name }) => name)
  return [
    ...missing.map((name) => `column "${name}" is missing: ${insteadOf(name, names)}`),
    ...(hidden.length === 0
      ? []
      : [`no privilege to read ${hidden.map((name) => `"${name}"`).join(', ')}: grant select to this user`]),
    ...fields.flatMap((field) => fieldProblem(byName.get(field.name), field)),
    ...keyProblem(
      key.flatMap((name) => byName.get(name) ?? []),
      key,
      indexes,
    ),
    ...(partitioning === null
      ? []
      : partitionProblems(
          partitioning.columns.flatMap((name) => byName.get(name) ?? []),
          partitioning,
        )),
  ]
}

function fieldProblem(column: TableColumn | undefined, field: RowField): readonly string[] {
  if (column === undefined || fromText(column, field) !== null) return []
  const kinds = kindsFor(column).map((kind) => declaration[kind])
  const remedy =
    kinds.length === 0 ? 'which can be z.custom() or another schema of its own' : `which can be ${kinds.join(' or ')}`
  return [`column "${field.name}" is declared ${declaration[field.kind]}, but it is ${column.label}, ${remedy}`]
}

function keyProblem(
  columns: readonly TableColumn[],
  key: readonly string[],
  indexes: readonly TableIndex[],
): readonly string[] {
  if (key.length === 0) return ['key names no column: name one that is unique, or several that are together']
  if (columns.length < key.length) return []
  const isUnique = indexes.some(
    (index) =>
      index.unique && index.columns.length === key.length && index.columns.every((column) => key.includes(column)),
  )
  const shown = key.map((name) => `"${name}"`).join(', ')
  const nullable = columns.filter(({ notNull }) => !notNull)
  const lacks = [
    ...(isUnique ? [] : [`a unique index on ${key.length === 1 ? 'it alone' : 'them alone'}`]),
    ...(nullable.length === 0 ? [] : [key.length === 1 ? 'not null' : `not null on ${listed(nullable)}`]),
  ]
  if (lacks.length === 0) return []
  const [has, remedy] = key.length === 1 ? ['has', 'name a column that has'] : ['have', 'name columns that have']
  return [`key ${shown} ${has} not ${lacks.join(' and ')}: add that, or ${remedy}`]
}

const orderedTypes: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'bool', 'enum'])

/** The type has an order in which a table can be read and cut. */
export const isOrdered = (column: TableColumn): boolean => fitsKind(column, 'ordered') && column.deterministic

function fitsKind(column: TableColumn, fits: Fit): boolean {
  const numbered = numberedKindOf(column) !== null
  switch (fits) {
    case 'time':
      return isTime(column)
    case 'number':
      return numbered && !isTime(column)
    case 'numbered':
      return numbered
    case 'ordered':
      return numbered || orderedTypes.has(column.type)
    case 'anything':
      return true
  }
}

function partitionProblems(columns: readonly TableColumn[], { columns: named, fits }: Partitioning): string[] {
  if (named.length === 0) return ['partitionBy names no column']
  const nullable = columns.filter(({ notNull }) => !notNull)
  return [
    ...columns.flatMap((column) => partitionProblem(column, fits)),
    // A row that is null in one of them stands in no order with the others, and would be left out without a word.
    ...(columns.length > 1 && nullable.length > 0
      ? [`partition columns ${listed(nullable)} can be null: of several columns each must be not null`]
      : []),
  ]
}

function partitionProblem(column: TableColumn, fits: Fit): string[] {
  if (!fitsKind(column, fits)) {
    const remedy =
      fits === 'time' && numberedKindOf(column) !== null
        ? 'use partition.byKey'
        : fits === 'number' && isTime(column)
          ? 'use partition.byTime'
          : fits !== 'ordered' && fitsKind(column, 'ordered')
            ? 'use partition.byQuantiles'
            : 'name another column'
    return [`partition column "${column.name}" is ${column.label}, not ${typesThatFit[fits]}: ${remedy}`]
  }
  if (fits === 'ordered' && !column.deterministic)
    return [
      `partition column "${column.name}" has a collation under which different texts are equal: name another column`,
    ]
  return []
}

const listed = (columns: readonly TableColumn[]): string => columns.map(({ name }) => `"${name}"`).join(', ')

import type { KeyPlace } from '../contract/key-place.ts'
import { readPlace } from '../contract/key-place.ts'
import type { KeyKind, KeyRange } from '../contract/range.ts'
import { hashTerm, keyTerm, numberedTerm, type OrderTerm, placeOf } from './order-term.ts'
import type { TableColumn } from './postgres-catalog.ts'

/** What the ranges of a plan count in. */
export interface PartitionColumns {
  readonly kind: KeyKind
  /** One of them, but for kind `key`. */
  readonly columns: readonly string[]
  /** The column's hash, not the column. */
  readonly hashed: boolean
}

/** The terms that a range of these columns bounds. */
export function partitionTerms(
  { kind, hashed }: Pick<PartitionColumns, 'kind' | 'hashed'>,
  columns: readonly TableColumn[],
): readonly OrderTerm[] {
  if (hashed) return columns.map(hashTerm)
  return kind === 'key' ? columns.map(keyTerm) : columns.map((column) => numberedTerm(kind, column))
}

/** Where a range begins and ends, in the values of its terms. */
export function placesOf(
  { kind, from, to }: KeyRange,
  [term]: readonly OrderTerm[],
): { readonly from: KeyPlace; readonly to: KeyPlace } {
  if (kind === 'key' || term === undefined) return { from: readPlace(from), to: readPlace(to) }
  return { from: placeOf(kind, from, term), to: placeOf(kind, to, term) }
}

import type { AnyRow } from '../define/row-schema.ts'

/**
 * What stands among the rows of a page in the place of one that the source cannot give, though it is there: to be
 * rejected with its reason, or left out on purpose. It counts as read.
 */
export class NoRow {
  readonly reason: string
  /** What is known of the row, for whoever looks into it. */
  readonly known: AnyRow
  readonly isLeftOut: boolean
  /** It takes the place of a row. */
  readonly [field: string]: unknown

  constructor(reason: string, known: AnyRow, isLeftOut = false) {
    this.reason = reason
    this.known = known
    this.isLeftOut = isLeftOut
  }
}

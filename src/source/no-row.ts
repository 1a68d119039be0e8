import type { AnyRow } from '../define/row-schema.ts'

const textLimit = 8_192

/**
 * Stands among the rows of a page for one that is none, and counts as read: a value that does not fit, a line that is none
 * of its format. It is rejected like one that the transform refuses, so that one bad line costs its row and not its
 * partition. Or it is left out on purpose, and counts as filtered.
 */
export class NoRow {
  // It takes the place of a row, whose fields may be anything.
  readonly [field: string]: unknown
  /** Where it stands, and why it is none. */
  readonly reason: string
  readonly isLeftOut: boolean
  readonly #row: AnyRow | string

  /** `row`: its fields as far as they are known, otherwise its text. */
  constructor(row: AnyRow | string, reason: string, isLeftOut = false) {
    this.#row = row
    this.reason = reason
    this.isLeftOut = isLeftOut
  }

  /** For people. Of a text nobody knows which of it is to be redacted. */
  shown(redact: readonly string[]): AnyRow {
    if (typeof this.#row !== 'string') return this.#row
    return redact.length > 0 ? {} : { line: this.#row.slice(0, textLimit) }
  }
}

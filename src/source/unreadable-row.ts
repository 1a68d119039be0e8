import type { AnyRow } from '../define/row-schema.ts'

const textLimit = 8_192

/**
 * Stands for a row of the source that cannot be made: a value that does not fit, a line that is none of its format. It is
 * rejected like one that the transform refuses, so that one bad line of a file costs its row and not its partition.
 */
export class UnreadableRow {
  // It takes the place of a row, whose fields may be anything.
  readonly [field: string]: unknown
  /** Where it stands, and why. */
  readonly reason: string
  readonly #row: AnyRow | string

  /** `row`: its fields as far as they are known, otherwise its text. */
  constructor(row: AnyRow | string, reason: string) {
    this.#row = row
    this.reason = reason
  }

  /** For people. Of a text nobody knows which of it is to be redacted. */
  shown(redact: readonly string[]): AnyRow {
    if (typeof this.#row !== 'string') return this.#row
    return redact.length > 0 ? {} : { line: this.#row.slice(0, textLimit) }
  }
}

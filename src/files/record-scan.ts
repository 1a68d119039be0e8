/** The bytes that quote fields and separate them, and whether a quoted field may hold newlines. */
export interface Quoting {
  readonly quote: number
  readonly delimiter: number
  readonly spansLines: boolean
}

/** How text is cut into records: at newlines, but for those within a quoted field that may hold some. */
export interface RecordRule {
  /** Null: every newline ends a record. */
  readonly quoting: Quoting | null
}

const newline = 10
const carriageReturn = 13

/**
 * Finds where a record ends. A quote opens where a field begins, and closes where no other one follows it; nothing else
 * decides, so all bytes have records, also those that are no CSV. What is wrong with such a record is said, and the next
 * one is sound again.
 */
export class RecordScan {
  readonly #rule: RecordRule
  /** Of what the last look found: where its content ends, where the next one begins, and whether it has quotes. */
  end = 0
  next = 0
  isQuoted = false
  problem: string | null = null
  /** A quote of it is still open where the file ends. */
  isOpen = false

  constructor(rule: RecordRule) {
    this.#rule = rule
  }

  /** Looks at the record that begins at `from`; `isAll`: no bytes follow these. False: it goes on in what follows. */
  look(bytes: Buffer, from: number, isAll: boolean): boolean {
    this.isQuoted = false
    this.problem = null
    this.isOpen = false
    const { quoting } = this.#rule
    const at = quoting === null ? bytes.indexOf(newline, from) : this.#newlineAfter(bytes, from, quoting)
    if (at < 0 && !isAll) return false
    if (at < 0) {
      this.end = bytes.length
      this.next = bytes.length
    } else {
      this.end = at > from && bytes[at - 1] === carriageReturn ? at - 1 : at
      this.next = at + 1
    }
    return true
  }

  /** The newline that ends the record, −1 when there is none. */
  #newlineAfter(bytes: Buffer, from: number, { quote, delimiter, spansLines }: Quoting): number {
    const { length } = bytes
    let isInside = false
    let before = delimiter
    let at = from
    for (; at < length; at += 1) {
      const byte = bytes[at] ?? 0
      if (byte === newline && !(isInside && spansLines)) break
      if (byte === quote) {
        this.isQuoted = true
        if (!isInside) {
          if (before === delimiter) isInside = true
          else this.problem ??= 'a quote stands within a field that does not begin with one'
        } else if (bytes[at + 1] === quote) at += 1
        else {
          isInside = false
          if (!endsField(bytes, at + 1, delimiter)) this.problem ??= 'a field goes on after its closing quote'
        }
      }
      before = byte
    }
    if (isInside) this.problem ??= 'a quote is not closed on its line'
    this.isOpen = isInside && spansLines
    return at === length ? -1 : at
  }
}

function endsField(bytes: Buffer, at: number, delimiter: number): boolean {
  const byte = bytes[at]
  return (
    byte === undefined ||
    byte === delimiter ||
    byte === newline ||
    (byte === carriageReturn && bytes[at + 1] === newline)
  )
}

import type { FileHandle } from 'node:fs/promises'
import { TerminalError } from '../contract/errors.ts'
import { ByteWindow } from './byte-window.ts'
import { type RecordRule, RecordScan } from './record-scan.ts'

/** A record among the bytes of `Records`, without what ends its line. */
export interface RecordSpan {
  readonly start: number
  readonly end: number
  /** Of its first byte, in the file. */
  readonly position: number
  readonly isQuoted: boolean
  /** Why it has no fields that one could rely on. */
  readonly problem: string | null
}

/** Records that lie side by side. */
export interface Records {
  readonly bytes: Buffer
  readonly spans: readonly RecordSpan[]
}

export interface RecordsOptions {
  readonly path: string
  readonly rule: RecordRule
  /** First byte of a record, in the file. */
  readonly from: number
  /** Records that begin here or later are left alone. */
  readonly to: number
  /** Of the file. */
  readonly bytes: number
  readonly maxRecordBytes: number
}

const newline = 10

/** The records of an open file that begin in a range, in order; lines without any character are none. */
export class RecordReader {
  readonly #options: RecordsOptions
  readonly #window: ByteWindow
  readonly #scan: RecordScan
  /** Where the window has not been looked at yet. */
  #at = 0
  #found: RecordSpan | null = null
  /** Where reading would go on after what was taken, in the file. */
  position: number

  constructor(handle: FileHandle, options: RecordsOptions) {
    this.#options = options
    this.#window = new ByteWindow(handle, options.from, options.bytes)
    this.#scan = new RecordScan(options.rule)
    this.position = options.from
  }

  /** True: there is at least one record to take. False: none follows. Throws TerminalError (SOURCE_NOT_READABLE) at one that is too large. */
  async ready(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      signal.throwIfAborted()
      this.#found ??= this.#nextInWindow()
      if (this.#found !== null) return true
      const left = this.#window.bytes.length - this.#at
      const isOver = this.#window.position + this.#at >= this.#options.to
      if (isOver || (this.#window.isAll && left === 0)) return false
      // The last byte may be a carriage return that ends the line.
      this.#requireSize(this.#at, left - 1)
      await this.#window.more(this.#at)
      this.#at = 0
    }
  }

  /** At most `count` records, as many as were read in one go. */
  take(count: number): Records {
    const { bytes, position } = this.#window
    const spans: RecordSpan[] = []
    for (; this.#found !== null && spans.length < count; this.#found = this.#nextInWindow()) {
      spans.push(this.#found)
      this.position = position + this.#at
    }
    return { bytes, spans }
  }

  #nextInWindow(): RecordSpan | null {
    const { bytes, position, isAll } = this.#window
    const scan = this.#scan
    while (this.#at < bytes.length && position + this.#at < this.#options.to) {
      const start = this.#at
      if (!scan.look(bytes, start, isAll)) return null
      const { end, next, isQuoted, problem } = scan
      this.#requireSize(start, end - start)
      if (scan.isOpen) throw this.#unreadable(start, 'a quote of the record is not closed before the end of the file')
      this.#at = next
      if (end > start) return { start, end, position: position + start, isQuoted, problem }
    }
    return null
  }

  #requireSize(start: number, size: number): void {
    const { maxRecordBytes } = this.#options
    if (size > maxRecordBytes) throw this.#unreadable(start, `the record has more than ${maxRecordBytes} bytes`)
  }

  /** What comes after such a record cannot be told from it: that is no matter of one row. */
  #unreadable(start: number, problem: string): TerminalError {
    const { path, rule } = this.#options
    const remedy =
      rule.quoting?.spansLines === true
        ? 'close its quote, or raise maxRecordBytes where it is large; with quotedNewlines: false such a record ends with its line'
        : 'end its line, or raise maxRecordBytes'
    const at = this.#window.position + start
    return new TerminalError('SOURCE_NOT_READABLE', `${path}, byte ${at}: ${problem}: ${remedy}`)
  }
}

/** The first byte after a newline that stands at `from` − 1 or later, or `to` where that comes first. */
export async function lineStart(handle: FileHandle, from: number, to: number, signal: AbortSignal): Promise<number> {
  const window = new ByteWindow(handle, from - 1, to)
  while (!window.isAll) {
    signal.throwIfAborted()
    await window.more(window.bytes.length)
    const at = window.bytes.indexOf(newline)
    if (at >= 0) return window.position + at + 1
  }
  return to
}

import type { FileHandle } from 'node:fs/promises'
import { parquetHeader } from 'hyparquet/src/column.js'
import type { PageHeader } from 'hyparquet/src/types.js'

import { freeBytes } from './free-bytes.ts'

const windowBytes = 256 * 1024

/** The pages of one column of one row group, taken from the file one at a time: a column is never in memory as a whole. */
export class ColumnPages {
  readonly #file: FileHandle
  readonly #end: number
  #window = Buffer.alloc(0)
  /** Place in the file of the window's first byte, and of the next byte to be taken. */
  #windowAt: number
  #at: number

  /** From byte `start` of the file up to byte `end`. */
  constructor(file: FileHandle, start: number, end: number) {
    this.#file = file
    this.#end = end
    this.#windowAt = start
    this.#at = start
  }

  /** The next page's header, or null at the end of the column. The page's bytes are then taken or passed. */
  async header(): Promise<PageHeader | null> {
    if (this.#at >= this.#end) return null
    for (let bytes = 1024; ; bytes *= 4) {
      const window = await this.#bytes(Math.min(bytes, this.#end - this.#at))
      const reader = { view: new DataView(window.buffer, window.byteOffset, window.byteLength), offset: 0 }
      try {
        const header = parquetHeader(reader)
        this.#at += reader.offset
        return header
      } catch (error) {
        // A header longer than the window: statistics of long texts are part of it.
        if (!(error instanceof RangeError) || bytes >= this.#end - this.#at) throw error
      }
    }
  }

  /** Bytes that are good until the next call. */
  async take(length: number): Promise<Buffer> {
    const bytes = await this.#bytes(length)
    this.#at += length
    return bytes
  }

  pass(length: number): void {
    this.#at += length
  }

  /** Gives the window back when there is no more to be taken. */
  finish(): void {
    if (this.#at >= this.#end) freeBytes(this.#window)
  }

  async #bytes(length: number): Promise<Buffer> {
    if (this.#at + length > this.#end) throw new Error(`a page runs past the end of its column at byte ${this.#end}`)
    const from = this.#at - this.#windowAt
    if (from >= 0 && from + length <= this.#window.byteLength) return this.#window.subarray(from, from + length)
    const window = Buffer.allocUnsafeSlow(Math.min(Math.max(length, windowBytes), this.#end - this.#at))
    let filled = 0
    while (filled < window.byteLength) {
      const { bytesRead } = await this.#file.read(window, filled, window.byteLength - filled, this.#at + filled)
      if (bytesRead === 0) throw new Error(`the file ends at byte ${this.#at + filled}`)
      filled += bytesRead
    }
    freeBytes(this.#window)
    this.#window = window
    this.#windowAt = this.#at
    return window.subarray(0, length)
  }
}

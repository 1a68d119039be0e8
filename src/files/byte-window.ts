import type { FileHandle } from 'node:fs/promises'

/** Read in one go at first, and later: a small range costs little, a large one few calls. */
const firstStep = 65_536
const laterStep = 262_144

/** The bytes of an open file from a place on, some at a time. */
export class ByteWindow {
  readonly #handle: FileHandle
  #end: number
  #bytes: Buffer = Buffer.alloc(0)
  #position: number

  /** From `position` to before `end`, or to the end of the file where that comes first. */
  constructor(handle: FileHandle, position: number, end: number) {
    this.#handle = handle
    this.#position = position
    this.#end = end
  }

  /** What was read and not dropped. Whoever keeps them may: what is read later goes elsewhere. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where they begin in the file. */
  get position(): number {
    return this.#position
  }

  /** Nothing follows them. */
  get isAll(): boolean {
    return this.#position + this.#bytes.length >= this.#end
  }

  /** Drops so many bytes, and reads what follows. What is kept grows to twice its size at least. */
  async more(dropped: number): Promise<void> {
    const kept = this.#bytes.subarray(dropped)
    const position = this.#position + dropped
    const step = this.#bytes.length === 0 ? firstStep : Math.max(laterStep, kept.length * 2)
    const memory = Buffer.allocUnsafeSlow(Math.max(0, Math.min(step, this.#end - position)))
    kept.copy(memory)
    let { length } = kept
    while (length < memory.length) {
      const { bytesRead } = await this.#handle.read(memory, length, memory.length - length, position + length)
      // It was cut off meanwhile: whoever reads looks whether the file is still the same.
      if (bytesRead === 0) this.#end = position + length
      if (bytesRead === 0) break
      length += bytesRead
    }
    this.#position = position
    this.#bytes = memory.subarray(0, length)
  }
}

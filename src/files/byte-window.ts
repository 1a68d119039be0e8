import type { FileHandle } from 'node:fs/promises'

/** Read in one go at first, and later: a small range costs little, a large one few calls. */
const firstStep = 65_536
const laterStep = 262_144

/** The bytes of an open file from a place on, some at a time: what is not needed any more makes room for what follows. */
export class ByteWindow {
  readonly #handle: FileHandle
  #end: number
  #memory: Buffer
  #bytes: Buffer
  #position: number

  /** From `position` to before `end`, or to the end of the file where that comes first. */
  constructor(handle: FileHandle, position: number, end: number) {
    this.#handle = handle
    this.#position = position
    this.#end = end
    this.#memory = Buffer.allocUnsafe(Math.max(0, Math.min(firstStep, end - position)))
    this.#bytes = this.#memory.subarray(0, 0)
  }

  /** What was read and not dropped; good until more is read. */
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

  /** Drops so many bytes, and reads what follows. */
  async more(dropped: number): Promise<void> {
    const kept = this.#bytes.subarray(dropped)
    const position = this.#position + dropped
    const left = this.#end - position
    const memory = dropped === 0 && kept.length === 0 ? this.#memory : roomFor(this.#memory, kept.length, left)
    kept.copy(memory)
    let length = kept.length
    const wanted = Math.min(memory.length, left)
    while (length < wanted) {
      const { bytesRead } = await this.#handle.read(memory, length, wanted - length, position + length)
      // It was cut off meanwhile: whoever reads looks whether the file is still the same.
      if (bytesRead === 0) this.#end = position + length
      if (bytesRead === 0) break
      length += bytesRead
    }
    this.#memory = memory
    this.#position = position
    this.#bytes = memory.subarray(0, length)
  }
}

/** At least half of it free, or for all that is left. */
function roomFor(memory: Buffer, kept: number, left: number): Buffer {
  const wanted = Math.min(Math.max(laterStep, kept * 2), left)
  return memory.length >= wanted ? memory : Buffer.allocUnsafe(wanted)
}

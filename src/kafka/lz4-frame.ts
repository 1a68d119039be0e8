/** Flags of a frame's descriptor. */
const flag = { blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01 } as const
const magic = 0x184d2204
const uncompressedBit = 0x80000000
const longestLength = 15

/** The content of an LZ4 frame, whose checksums are not looked at. Throws RangeError when it is none, or is larger than `mostBytes`. */
export function readLz4Frame(frame: Buffer, mostBytes: number): Buffer {
  if (frame.length < 7 || frame.readUInt32LE(0) !== magic) throw new RangeError('not an LZ4 frame')
  const flags = frame.readUInt8(4)
  if ((flags & flag.dictionary) !== 0) throw new RangeError('an LZ4 frame with a dictionary')
  let at = 7 + ((flags & flag.contentSize) === 0 ? 0 : 8)
  const content = new Growing(mostBytes, frame.length * 4)
  for (;;) {
    const head = frame.readUInt32LE(at)
    at += 4
    if (head === 0) return content.taken()
    const length = (head & ~uncompressedBit) >>> 0
    if (at + length > frame.length) throw new RangeError('an LZ4 frame that is cut off')
    const block = frame.subarray(at, at + length)
    if ((head & uncompressedBit) !== 0) content.append(block)
    else readBlock(block, content)
    at += length + ((flags & flag.blockChecksum) === 0 ? 0 : 4)
  }
}

/** Sequences of literals and of copies from what came before, also in blocks before this one. */
function readBlock(block: Buffer, content: Growing): void {
  let at = 0
  const byte = (): number => block.readUInt8(at++)
  const lengthOf = (short: number): number => {
    if (short < longestLength) return short
    let [length, more] = [short, 255]
    for (; more === 255; length += more) more = byte()
    return length
  }
  while (at < block.length) {
    const token = byte()
    const literals = lengthOf(token >> 4)
    if (at + literals > block.length) throw new RangeError('an LZ4 block that is cut off')
    content.append(block.subarray(at, at + literals))
    at += literals
    // The last sequence has literals only.
    if (at >= block.length) return
    const distance = block.readUInt16LE(at)
    at += 2
    content.repeat(distance, lengthOf(token & longestLength) + 4)
  }
}

class Growing {
  readonly #mostBytes: number
  #bytes: Buffer
  #length = 0

  constructor(mostBytes: number, expectedBytes: number) {
    this.#mostBytes = mostBytes
    this.#bytes = Buffer.allocUnsafe(Math.min(mostBytes, expectedBytes))
  }

  append(bytes: Buffer): void {
    this.#grow(bytes.length)
    bytes.copy(this.#bytes, this.#length)
    this.#length += bytes.length
  }

  repeat(distance: number, length: number): void {
    const from = this.#length - distance
    if (distance === 0 || from < 0) throw new RangeError('an LZ4 block that repeats what is not there')
    this.#grow(length)
    // What is repeated may be what is being written.
    if (distance >= length) this.#bytes.copyWithin(this.#length, from, from + length)
    else for (let n = 0; n < length; n += 1) this.#bytes[this.#length + n] = this.#bytes[from + n] ?? 0
    this.#length += length
  }

  taken(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(by: number): void {
    const wanted = this.#length + by
    if (wanted > this.#mostBytes) throw new RangeError(`more than ${this.#mostBytes} bytes from an LZ4 frame`)
    if (wanted <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.min(this.#mostBytes, Math.max(wanted, this.#bytes.length * 2)))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

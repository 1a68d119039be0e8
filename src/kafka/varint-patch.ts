import { createRequire } from 'node:module'

interface Encoder {
  buf: Buffer
  offset: number
  ensureAvailable(length: number): void
  writeUVarInt(value: number): Encoder
}

/** Of 32 bits, seven in each. */
const longestVarInt = 5

/**
 * kafkajs 2.2.4 makes an array and a buffer for each varint it writes, twenty a record: a third of what encoding a
 * record costs. Writes the same bytes in place. Undocumented, hence pinned by a test and by the exact version.
 */
export function patchVarInts(): void {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/protocol/encoder') as { prototype: Encoder }
  prototype.writeUVarInt = function (this: Encoder, value: number): Encoder {
    this.ensureAvailable(longestVarInt)
    let rest = value
    for (; (rest & ~0x7f) !== 0; rest >>>= 7) this.offset = this.buf.writeUInt8((rest & 0x7f) | 0x80, this.offset)
    this.offset = this.buf.writeUInt8(rest & 0x7f, this.offset)
    return this
  }
}

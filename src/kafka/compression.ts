import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { decompressorOf } from '../files/decompress.ts'
import { readLz4Frame } from './lz4-frame.ts'

/** Of one batch, which is 1 MiB compressed as brokers are by default: a bomb must not take the process. */
const mostBytes = 512 * 1_048_576
const limit = { maxOutputLength: mostBytes }
/** How Java clients and brokers begin what is a row of Snappy blocks, each behind its length. */
const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])

/** kafkajs reads gzip only; others are to be given to it. What Tidemark itself writes is not compressed. */
export function addDecompression(): void {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs
  const codec = (decompress: (bytes: Buffer) => Buffer | Promise<Buffer>) => () => ({
    compress: (): never => {
      throw new Error('Tidemark writes no compressed records')
    },
    decompress: async (bytes: Buffer) => decompress(bytes),
  })
  const gzip = codecs[types.GZIP] as () => object
  // Its own is not bounded.
  codecs[types.GZIP] = () => ({ ...gzip(), decompress: async (bytes: Buffer) => gunzipSync(bytes, limit) })
  codecs[types.ZSTD] = codec((bytes) => zstdDecompressSync(bytes, limit))
  codecs[types.LZ4] = codec((bytes) => readLz4Frame(bytes, mostBytes))
  codecs[types.Snappy] = codec(readSnappy)
}

async function readSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, xerial.length).equals(xerial)) return readSnappyBlock(bytes)
  const blocks: Buffer[] = []
  for (let at = xerial.length + 8; at < bytes.length; ) {
    const length = bytes.readInt32BE(at)
    blocks.push(await readSnappyBlock(bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return Buffer.concat(blocks)
}

/** A block begins with the length of its content, as a varint. */
async function readSnappyBlock(block: Buffer): Promise<Buffer> {
  let length = 0
  for (let n = 0, byte = 128; byte > 127; n += 1) {
    byte = block.readUInt8(n)
    length += (byte & 127) * 2 ** (7 * n)
  }
  if (length > mostBytes) throw new RangeError(`a Snappy block of ${length} bytes`)
  const decompress = await decompressorOf('SNAPPY')
  const content = decompress(block, length)
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
}

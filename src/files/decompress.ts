import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { CompressionCodec } from 'hyparquet/src/types.js'

export type Decompress = (bytes: Uint8Array, length: number) => Uint8Array

/**
 * Decompressor of a codec: Node's own where it has one (zstd: seven times as fast as the one in JavaScript), else that
 * of hyparquet-compressors, loaded on first use.
 */
export async function decompressorOf(codec: CompressionCodec): Promise<Decompress> {
  const decompress = await codecs[codec]()
  return (bytes, length) => {
    const page = length === 0 ? new Uint8Array(0) : decompress(bytes, length)
    if (page.byteLength !== length) throw new Error(`a page of ${length} bytes decompressed to ${page.byteLength}`)
    return page
  }
}

const bounded = (length: number): { maxOutputLength: number; chunkSize: number } => ({
  maxOutputLength: length,
  chunkSize: Math.max(64, length),
})

const codecs: Record<CompressionCodec, () => Promise<Decompress>> = {
  UNCOMPRESSED: async () => (bytes) => bytes,
  ZSTD: async () => (bytes, length) => zstdDecompressSync(bytes, bounded(length)),
  GZIP: async () => (bytes, length) => gunzipSync(bytes, bounded(length)),
  BROTLI: async () => (bytes, length) => brotliDecompressSync(bytes, bounded(length)),
  SNAPPY: () => fromCompressors('SNAPPY'),
  LZ4: () => fromCompressors('LZ4'),
  LZ4_RAW: () => fromCompressors('LZ4_RAW'),
  LZO: () => fromCompressors('LZO'),
}

async function fromCompressors(codec: CompressionCodec): Promise<Decompress> {
  const { compressors } = await import('hyparquet-compressors')
  const decompress = compressors[codec]
  if (decompress === undefined) throw new Error(`compression ${codec} is not supported`)
  return decompress
}

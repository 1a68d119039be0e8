import { describe, expect, it } from 'vitest'
import { readLz4Frame } from '../../src/kafka/lz4-frame.ts'

// Frames written by real brokers are read in test/integration/source-topic-values.test.ts.
const head = (flags: number): Buffer => Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0])
const end = Buffer.alloc(4)
const block = (bytes: readonly number[], isCompressed = true): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32LE((bytes.length | (isCompressed ? 0 : 0x80000000)) >>> 0)
  return Buffer.concat([length, Buffer.from(bytes)])
}
const text = (letters: string): number[] => [...Buffer.from(letters)]

describe('an LZ4 frame', () => {
  it('is literals and copies, which may take in themselves and reach into the block before', () => {
    const first = block([0x32, ...text('abc'), 3, 0, 0x10, ...text('!')])
    const second = block([0x03, 4, 0, 0x10, ...text('?')])
    const frame = Buffer.concat([head(0x40), first, second, end])
    expect(readLz4Frame(frame, 1_000).toString()).toBe(`abcabcabc!${'abc!abc'}?`)
  })

  it('may have long runs, blocks that are not compressed, checksums and the size of its content', () => {
    // 15 + 255 + 5 literals, then a copy of 4 + 15 + 10 bytes.
    const letters = 'x'.repeat(274) + 'y'
    const long = block([0xff, 255, 5, ...text(letters), 1, 0, 10, 0x10, ...text('z')])
    const frame = Buffer.concat([
      ...[head(0x40 | 0x10 | 0x08 | 0x04), Buffer.alloc(8), long, Buffer.alloc(4)],
      ...[block(text('plain'), false), Buffer.alloc(4), end, Buffer.alloc(4)],
    ])
    expect(readLz4Frame(frame, 1_000).toString()).toBe(`${letters}${'y'.repeat(29)}zplain`)
  })

  it.each<[string, Buffer, string]>([
    ['something else', Buffer.from('not a frame'), 'not an LZ4 frame'],
    ['what is cut off', Buffer.concat([head(0x40), block(text('plain'), false).subarray(0, 6)]), 'cut off'],
    ['a copy of nothing', Buffer.concat([head(0x40), block([0x10, 97, 9, 0, 0x00]), end]), 'repeats what is not there'],
    ['more than may be', Buffer.concat([head(0x40), block(text('x'.repeat(11)), false), end]), 'more than 10 bytes'],
  ])('is not read from %s', (_what, frame, message) => {
    expect(() => readLz4Frame(frame, 10)).toThrow(message)
  })
})

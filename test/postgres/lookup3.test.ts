import { describe, expect, test } from 'vitest'
import { hashBytes, hashed, hashInteger, hashTwoWords } from '../../src/postgres/lookup3.ts'

const sum = (): bigint => (BigInt(hashed[0] ?? 0) << 32n) | BigInt((hashed[1] ?? 0) >>> 0)

function hashOf(text: string, offset: number): bigint {
  const bytes = Buffer.alloc(offset + Buffer.byteLength(text) + 8, 0xff)
  const length = bytes.write(text, offset)
  hashBytes(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset, length)
  return sum()
}

describe('the hash of Postgres 18 with seed 0', () => {
  // Each as hashtextextended of the server gave it.
  test.each([
    ['', -6939563903564495251n],
    ['abc', -6747756470228489321n],
    ['0123456789ab', -300982144080685429n],
    ['the quick brown fox jumps', 6931113687160021514n],
  ])('of %j, wherever the bytes stand', (text, hash) => {
    for (const offset of [0, 1, 7]) expect(hashOf(text, offset)).toBe(hash)
  })

  test('of integers, and of eight bytes as two words', () => {
    hashInteger(42)
    expect(sum()).toBe(8010225493015854792n)
    // 1.5 as a double.
    hashTwoWords(0, 0x3ff8_0000)
    expect(sum()).toBe(6158159405676898674n)
  })
})

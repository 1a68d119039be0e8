import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patchVarInts } from '../../src/kafka/varint-patch.ts'

interface Encoder {
  readonly buffer: Buffer
  writeVarInt(value: number): Encoder
}

const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as new (size?: number) => Encoder

const written = (values: readonly number[], size: number): string =>
  values.reduce((encoder, value) => encoder.writeVarInt(value), new Encoder(size)).buffer.toString('hex')

test('varints are the bytes that kafkajs writes', () => {
  const sets = fc.sample(fc.array(fc.integer(), { minLength: 1, maxLength: 20 }), 200)
  const edges = [0, -1, 1, 63, -64, 64, 8_191, 8_192, 2_147_483_647, -2_147_483_648]
  const given = [edges, ...sets]
  const theirs = given.map((values) => written(values, 1))
  patchVarInts()
  for (const size of [1, 511]) expect(given.map((values) => written(values, size))).toEqual(theirs)
})

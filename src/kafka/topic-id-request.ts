import { createRequire } from 'node:module'
import type { ProtocolRequest } from './fetch-request.ts'

interface Encoder {
  writeBuffer(value: Buffer): Encoder
  writeUVarInt(value: number): Encoder
}

const require = createRequire(import.meta.url)
const Encoder = require('kafkajs/src/protocol/encoder') as new () => Encoder
const requestTimeoutMs = 10_000
const unknownTopic = 3
/** Of brokers too old to give topics ids, and of those that have not done so yet. */
const noId = '0'.repeat(32)

export const metadataKey = 3
/** The first version whose answer has ids: brokers from 2.8 on. kafkajs knows those up to 6. */
export const metadataWithIds = 10

/**
 * Asks for the id of a topic, which no other topic ever has, also of the same name; null when the topic is not there, or
 * has none. The shape is that of Metadata 10, a flexible version: lengths are varints one too high, and tagged fields,
 * here none, end each part. Undocumented in kafkajs, hence pinned by a test and by the exact version.
 */
export function topicIdRequest(topic: string): ProtocolRequest<{ readonly id: string | null }> {
  const name = Buffer.from(topic)
  return {
    request: {
      ...{ apiKey: metadataKey, apiVersion: metadataWithIds, apiName: 'Metadata' },
      encode: async () =>
        new Encoder()
          // The header of a flexible version ends with tagged fields too.
          .writeUVarInt(0)
          .writeUVarInt(2)
          .writeBuffer(Buffer.alloc(16))
          .writeUVarInt(name.length + 1)
          .writeBuffer(name)
          .writeUVarInt(0)
          // Makes no topic, and asks for no rights.
          .writeBuffer(Buffer.from([0, 0, 0]))
          .writeUVarInt(0),
    },
    response: { decode: async (payload) => decode(payload), parse: async (answer) => answer },
    requestTimeout: requestTimeoutMs,
  }
}

function decode(payload: Buffer): { clientSideThrottleTime: number; id: string | null } {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0, byte = 128; byte > 127; shift += 7) {
      byte = payload.readUInt8(at++)
      value += (byte & 127) * 2 ** shift
    }
    return value
  }
  const skip = (bytes: number): void => {
    at += bytes
  }
  const skipText = (): void => skip(Math.max(0, varint() - 1))
  const skipTags = (): void => {
    for (let left = varint(); left > 0; left -= 1) {
      varint()
      skip(varint())
    }
  }
  skipTags()
  const clientSideThrottleTime = payload.readInt32BE(at)
  skip(4)
  for (let brokers = varint() - 1; brokers > 0; brokers -= 1) {
    skip(4)
    skipText()
    skip(4)
    skipText()
    skipTags()
  }
  skipText()
  skip(4)
  if (varint() - 1 < 1) return { clientSideThrottleTime, id: null }
  const errorCode = payload.readInt16BE(at)
  skip(2)
  skipText()
  const id = payload.subarray(at, at + 16).toString('hex')
  return { clientSideThrottleTime, id: errorCode === unknownTopic || id === noId ? null : id }
}

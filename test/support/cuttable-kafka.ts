import { connect, type Socket } from 'node:net'
import kafkajs, { type Kafka } from 'kafkajs'
import type { Config } from '../../src/process/config.ts'

const joinGroup = 11
const [apiKeyAt, nobodyListens] = [4, 1]

/** A client whose way to the brokers can be cut, without a word to them, and mended. */
export interface CuttableKafka {
  readonly kafka: Kafka
  /** Ends its connections; new ones are refused. */
  cut(): void
  isCut(): boolean
  mend(): void
  /** From now on no JoinGroup arrives, and so none is answered. */
  swallowJoins(): void
}

export function cuttableKafka(config: Config, clientId: string): CuttableKafka {
  const open = new Set<Socket>()
  let isCut = false
  let joinsArrive = true
  const kafka = new kafkajs.Kafka({
    clientId,
    brokers: [...config.kafka.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect({ host, port: isCut ? nobodyListens : port }, onConnect)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
      socket.write = (piece: unknown, ...more: unknown[]) => {
        const isJoin = Buffer.isBuffer(piece) && piece.readInt16BE(apiKeyAt) === joinGroup
        return isJoin && !joinsArrive ? true : write(piece, ...more)
      }
      return socket
    },
  })
  return {
    kafka,
    cut: () => {
      isCut = true
      // As if the other end had reset it: of a socket that is merely closed kafkajs takes no notice.
      for (const socket of open) socket.destroy(Object.assign(new Error('cut'), { code: 'ECONNRESET' }))
    },
    isCut: () => isCut,
    mend: () => {
      isCut = false
    },
    swallowJoins: () => {
      joinsArrive = false
    },
  }
}

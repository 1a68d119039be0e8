import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { commitReader } from './commit-reader.ts'

/** Stands between a client and a server of this machine, and hurts what passes when it is told to. */
export interface TcpProxy {
  readonly port: number
  /** Where new connections lead from now on; the open ones are cut. */
  retarget(port: number): void
  /** Every piece waits this long; 0: none does any more. */
  delay(ms: number): void
  /** Nothing passes until `go` is called; connections stay open. */
  stall(): { go(): void }
  /** Ends every open connection; returns how many there were. */
  cut(): number
  /** Lets the next COMMIT of any connection reach Postgres, and ends that connection before its answer passes. */
  cutAtCommit(cut: () => void): void
  stop(): Promise<void>
}

export async function startTcpProxy(target: number, speaks: 'kafka' | 'postgres'): Promise<TcpProxy> {
  let upstream = target
  let delayMs = 0
  let gate: Promise<void> | undefined
  let atCommit: (() => void) | undefined
  const open = new Set<() => void>()

  /** Passes pieces on in their order, however long each of them waits. */
  const passing = (to: Socket): { piece(piece: Buffer): void; end(): void } => {
    let last = Promise.resolve()
    const then = (act: () => void): void => {
      last = last.then(async () => {
        await gate
        if (delayMs > 0) await sleep(delayMs)
        if (!to.destroyed) act()
      })
    }
    return { piece: (piece) => then(() => to.write(piece)), end: () => then(() => to.end()) }
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const behind = new Socket({ allowHalfOpen: true })
    const close = (): void => {
      client.destroy()
      behind.destroy()
      open.delete(close)
    }
    open.add(close)
    for (const socket of [client, behind]) {
      socket.setNoDelay(true)
      socket.on('error', close)
      socket.on('close', close)
    }
    const there = passing(behind)
    const back = passing(client)
    const commits = speaks === 'postgres' ? commitReader() : () => 0
    client.on('data', (piece: Buffer) => {
      const isCommit = commits(piece) > 0
      const cut = isCommit ? atCommit : undefined
      if (cut === undefined) return there.piece(piece)
      atCommit = undefined
      client.removeAllListeners('data')
      // The server reads what was sent before it notices that nobody listens.
      behind.end(piece)
      client.destroy()
      cut()
    })
    client.on('end', there.end)
    behind.on('data', back.piece)
    behind.on('end', back.end)
    behind.connect(upstream, '127.0.0.1')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const cut = (): number => {
    const count = open.size
    for (const close of open) close()
    return count
  }
  return {
    port: (server.address() as AddressInfo).port,
    retarget: (port) => {
      upstream = port
      cut()
    },
    delay: (ms) => {
      delayMs = ms
    },
    stall: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return {
        go: () => {
          if (gate === promise) gate = undefined
          resolve()
        },
      }
    },
    cut,
    cutAtCommit: (cut) => {
      atCommit = cut
    },
    stop: async () => {
      server.close()
      cut()
      await once(server, 'close').catch(() => {})
    },
  }
}

// kafkajs connects to the address a broker tells of itself. Here every connection made by net.connect goes through a
// proxy instead; Postgres is not meant: its client makes sockets of its own, and gets the proxy by its address.
import { createRequire } from 'node:module'
import type net from 'node:net'

const own = createRequire(import.meta.url)('node:net') as typeof net

/** From here on, in this process, kafkajs reaches what it believes to be at a port of this machine at another one. */
export function rerouteKafka(portFor: (port: number) => number): void {
  const connect = own.connect.bind(own)
  own.connect = ((options: net.TcpNetConnectOpts, listener?: () => void) =>
    connect({ ...options, host: '127.0.0.1', port: portFor(options.port) }, listener)) as typeof net.connect
}

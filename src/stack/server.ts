/** The servers Tidemark runs on. */
export const serverNames = ['kafka', 'postgres', 'registry'] as const
export type ServerName = (typeof serverNames)[number]

/** Where a server came from: an address that was given, a child of this process, or a container. */
export type How = 'environment' | 'embedded' | 'docker'

/** A server that answers. `stop` resolves when it has ended; twice is harmless. */
export interface RunningServer {
  /** `host:port` of each broker, or one connection string or URL. */
  readonly addresses: readonly string[]
  stop(): Promise<void>
}

/** One way of having a server is not to be had on this machine; the message says why and what to install. */
export class WayUnavailableError extends Error {
  override readonly name = 'WayUnavailableError'
}

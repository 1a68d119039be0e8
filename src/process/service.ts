/** A part of the system with a life: `start` resolves when it serves, `stop` when its work in flight has settled; twice is harmless. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

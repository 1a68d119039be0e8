import type { Log } from '../../src/process/log.ts'

/** Says nothing: what matters is asserted. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}

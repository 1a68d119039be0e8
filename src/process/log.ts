/** What services need of a logger: structured fields first, then the sentence. pino fits. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Log
}

/** For short-lived commands: what goes wrong is thrown, there is nothing else to say. */
export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quietLog }

import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { createLog } from '../process/logger.ts'

/** The log of a command that a person waits for: only what is wrong, unless the environment asks for more. */
export function createClientLog(env: NodeJS.ProcessEnv, config: Config): Promise<Log> {
  return createLog({ level: env['LOG_LEVEL'] === undefined ? 'error' : config.logLevel })
}

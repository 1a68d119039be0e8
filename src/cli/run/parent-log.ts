import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../process/log.ts'
import { createLog } from '../../process/logger.ts'
import type { CommandContext } from '../context.ts'
import type { DevFolder } from '../dev-folder.ts'

/** The log of `up` and `run` themselves: a file beside those of their roles, for the terminal belongs to the person. */
export async function createParentLog(context: CommandContext, dev: DevFolder): Promise<Log> {
  const file = join(dev.logs, 'tidemark.log')
  rmSync(file, { force: true })
  return createLog({ level: context.env['LOG_LEVEL'] === 'debug' ? 'debug' : 'info', file })
}

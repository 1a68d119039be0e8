import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TerminalError } from '../../contract/errors.ts'
import { openPool } from '../../postgres/pool.ts'
import type { Config } from '../../process/config.ts'
import type { Log } from '../../process/log.ts'

/** The SQL file that prepares the sink: the one that was named, else the one beside the definitions, if there is one. */
export function findPrepareFile(
  given: string | undefined,
  cwd: string,
  definitions: string,
  backfill: string,
): string | undefined {
  if (given !== undefined) {
    const file = resolve(cwd, given)
    if (!existsSync(file)) throw new TerminalError('CONFIG_INVALID', `--prepare ${given}: ${file} does not exist`)
    return file
  }
  const beside = join(definitions, `${backfill}.prepare.sql`)
  return existsSync(beside) ? beside : undefined
}

/** Applies the file, as one transaction, to the database of DATABASE_URL. Throws TerminalError (SINK_NOT_WRITABLE). */
export async function prepareSink(file: string, config: Config, log: Log): Promise<void> {
  const pool = openPool({ connectionString: config.databaseUrl, applicationName: 'tidemark prepare', max: 1, log })
  try {
    await pool.query(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new TerminalError('SINK_NOT_WRITABLE', `${file} failed`, { cause: error })
  } finally {
    await pool.end()
  }
}

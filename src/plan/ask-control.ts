import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import { type Pool, query } from '../postgres/pool.ts'

/** A statement for the control database. Whatever is wrong with that database is no reason to refuse a request. */
export function askControl(
  pool: Pool,
  text: string,
  values: unknown[],
): ReturnType<typeof query<Record<string, unknown>>> {
  return controlErrors(query<Record<string, unknown>>(pool, text, values))
}

/** The same for what takes more than a statement. */
export function controlErrors<Result>(asked: Promise<Result>): Promise<Result> {
  return asked.catch((error: unknown) => {
    if (!(error instanceof TerminalError)) throw error
    throw new RetryableError('POSTGRES_UNREACHABLE', `control database: ${messageOf(error)}`, { cause: error })
  })
}

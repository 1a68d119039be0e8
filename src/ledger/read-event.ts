import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { StatusEvent } from '../contract/status.ts'
import { inMicros } from './instant-text.ts'

/**
 * A status event with its time in UTC with six digits of fraction, so that times compare as text and stay as they are
 * in Postgres. Unknown fields are dropped. Throws TerminalError (MESSAGE_INVALID) for anything else.
 */
export function readEvent(json: unknown): StatusEvent {
  const parsed = StatusEvent.safeParse(json)
  if (!parsed.success)
    throw new TerminalError(
      'MESSAGE_INVALID',
      `not a status event: ${z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ')}`,
    )
  return { ...parsed.data, at: inMicros(parsed.data.at) }
}

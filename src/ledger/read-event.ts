import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { StatusEvent } from '../contract/status.ts'
import { inMicros } from './instant-text.ts'

/** A sum of 64-bit hashes has a few dozen. What Postgres could not hold, alone or added up, must not get as far as that. */
const mostDigits = 1_000

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
  const event = { ...parsed.data, at: inMicros(parsed.data.at) }
  if ('totals' in event && event.totals.contentHash.length > mostDigits)
    throw new TerminalError(
      'MESSAGE_INVALID',
      `not a status event: totals.contentHash has ${event.totals.contentHash.length} digits, at most ${mostDigits} are right`,
    )
  return event
}

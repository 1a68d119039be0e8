import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { StatusEvent } from '../contract/status.ts'

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

function inMicros(instant: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?Z$/.exec(instant)
  if (match === null)
    throw new TerminalError('MESSAGE_INVALID', `not a status event: at: "${instant}" is not an instant in UTC`)
  const [, minute, seconds = '00', fraction = ''] = match
  return `${minute}:${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

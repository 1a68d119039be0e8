import { TerminalError } from '../contract/errors.ts'

/**
 * An instant in UTC with six digits of fraction: such ones compare as text as they do as times, and are what Postgres
 * keeps. Throws TerminalError (MESSAGE_INVALID).
 */
export function inMicros(instant: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?Z$/.exec(instant)
  if (match === null)
    throw new TerminalError('MESSAGE_INVALID', `not a status event: at: "${instant}" is not an instant in UTC`)
  const [, minute, seconds = '00', fraction = ''] = match
  return `${minute}:${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

/** The same from a timestamptz as text, in a session whose time zone is UTC: 2026-01-31 23:59:59.5+00. */
export const storedInstant = (text: string): string =>
  `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, text.indexOf('+', 19)).padEnd(6, '0')}Z`

import { ValueError } from '../files/value-error.ts'
import { type Moment, parseDay, parseInstant } from '../postgres/parse-instant.ts'
import { shortened } from './shortened.ts'

/** A date, or an instant as RFC 3339 writes it. One without a zone is taken as if its clock stood in UTC. Throws ValueError. */
export function dateOfText(text: string): Date {
  const moment: Moment = { ms: 0, micros: 0, zoned: false }
  if (parseInstant(text, moment)) return new Date(moment.ms)
  const days = text.length === 10 ? parseDay(text) : Number.NaN
  if (!Number.isNaN(days)) return new Date(days * 86_400_000)
  throw new ValueError(`is ${shortened(text)}, which is no date such as 2026-01-31 or 2026-01-31T00:00:00Z`)
}

import type { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import type { SourceRange } from './source.ts'

/** A source that is missing, contradicts its schema, or was changed under a run: everything that is wrong with it. */
export const sourceUnreadable = (reasons: readonly string[]): TerminalError =>
  new TerminalError('SOURCE_NOT_READABLE', reasons.join('; '), { reasons })

/** What the locator of a range finds. `what`: that which it has to say. Throws TerminalError (SOURCE_NOT_READABLE) where it does not. */
export function locatedBy<Locator>(schema: z.ZodType<Locator>, { range, locator }: SourceRange, what: string): Locator {
  const found = schema.safeParse(locator)
  if (found.success) return found.data
  throw sourceUnreadable([`partition ${range.from} to ${range.to} does not say ${what}: plan the run again`])
}

import { z } from 'zod'

/**
 * Where a range of kind `key` begins or ends: at a key, or just after it. That there is such a thing as "just after" is
 * what closes a range above its last key, for texts have no successor.
 */
export interface KeyPlace {
  /** A text for each column, as the server writes it. */
  readonly values: readonly string[]
  readonly after: boolean
}

const Values = z.array(z.string()).min(1)

/** `["eu","42"]`, or `after ["eu","42"]`. */
export const writePlace = ({ values, after }: KeyPlace): string => `${after ? 'after ' : ''}${JSON.stringify(values)}`

/** Throws when the text is no place. */
export function readPlace(text: string): KeyPlace {
  const after = text.startsWith('after ')
  return { values: Values.parse(JSON.parse(after ? text.slice('after '.length) : text)), after }
}

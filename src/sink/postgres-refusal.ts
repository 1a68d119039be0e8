import { FencedError, messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import { codeOf } from '../postgres/classify.ts'

export interface RefusalContext {
  /** Table and database, for messages. */
  readonly where: string
  /** Whether what the server tells of a row's values may be repeated: not when the definition redacts columns. */
  readonly tellsValues: boolean
}

/** What a server's refusal means: the data or the table must change, so that trying again is no use. */
export function refusalOf(error: unknown, { where, tellsValues }: RefusalContext): unknown {
  if (error instanceof RetryableError || error instanceof TerminalError || error instanceof FencedError) return error
  const code = codeOf(error)
  if (code === undefined) return error
  const row = rowRefusal(error, tellsValues)
  if (row !== null) return new TerminalError('ROW_INVALID', `${where} refuses a row: ${row}`, { cause: error })
  // Tables, columns, rights, and what the server cannot do.
  if (/^(42|3F|0A)/.test(code))
    return new TerminalError('SINK_NOT_WRITABLE', `${where} cannot be written: ${messageOf(error)}`, { cause: error })
  return error
}

/** Why the server refuses a row, by data (class 22) or constraint (23), naming the constraint; null for another error. */
export function rowRefusal(error: unknown, tellsValues: boolean): string | null {
  if (!(error instanceof Error) || !/^2[23]/.test(codeOf(error) ?? '')) return null
  const constraint = textOf(error, 'constraint')
  const detail = tellsValues ? textOf(error, 'detail') : undefined
  const named = constraint === undefined || error.message.includes(constraint) ? '' : ` (constraint "${constraint}")`
  return `${error.message}${named}${detail === undefined ? '' : ` (${detail})`}`
}

function textOf(error: Error, field: string): string | undefined {
  const value: unknown = field in error ? (error as unknown as Record<string, unknown>)[field] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

import { TerminalError } from '../contract/errors.ts'
import type { AnyRow, RowSchema } from '../define/row-schema.ts'

/** The rows as the schema gives them back. `whereIs` names a row by its index. Throws TerminalError (SOURCE_NOT_READABLE). */
export async function validatedRows(
  schema: RowSchema<unknown>,
  rows: Iterable<AnyRow>,
  whereIs: (index: number) => string,
): Promise<AnyRow[]> {
  const valid: AnyRow[] = []
  for (const row of rows) {
    const pending = validatedRow(schema, row)
    const result = pending instanceof Promise ? await pending : pending
    if (typeof result === 'string')
      throw new TerminalError(
        'SOURCE_NOT_READABLE',
        `${whereIs(valid.length)} ${result}; correct the row or the schema`,
      )
    valid.push(result)
  }
  return valid
}

/** The row as the schema gives it back, or why there is none: "is refused by the schema: …". A promise only of a schema that gives one. */
export function validatedRow(schema: RowSchema<unknown>, row: AnyRow): AnyRow | string | Promise<AnyRow | string> {
  const pending = schema['~standard'].validate(row)
  return pending instanceof Promise ? pending.then(verdictOf) : verdictOf(pending)
}

function verdictOf(result: Awaited<ReturnType<RowSchema<unknown>['~standard']['validate']>>): AnyRow | string {
  if (result.issues === undefined && isRow(result.value)) return result.value
  const reasons = (result.issues ?? [{ message: 'the schema gives no object' }]).map(describe)
  return `is refused by the schema: ${reasons.join('; ')}`
}

const isRow = (value: unknown): value is AnyRow => typeof value === 'object' && value !== null

function describe(issue: { message: string; path?: readonly unknown[] | undefined }): string {
  const path = (issue.path ?? []).map((part) => String(isRow(part) && 'key' in part ? part['key'] : part))
  return path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`
}

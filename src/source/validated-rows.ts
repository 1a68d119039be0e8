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
    const pending = validated(schema, row)
    const { accepted, refused } = pending instanceof Promise ? await pending : pending
    if (accepted === null)
      throw new TerminalError(
        'SOURCE_NOT_READABLE',
        `${whereIs(valid.length)} is ${refused}; correct the row or the schema`,
      )
    valid.push(accepted)
  }
  return valid
}

/** A row as the schema gives it back, or why it does not: "refused by the schema: …". */
export type Validated =
  | { readonly accepted: AnyRow; readonly refused: null }
  | { readonly accepted: null; readonly refused: string }

export function validated(schema: RowSchema<unknown>, row: AnyRow): Validated | Promise<Validated> {
  const pending = schema['~standard'].validate(row)
  return pending instanceof Promise ? pending.then(verdictOf) : verdictOf(pending)
}

function verdictOf(result: Awaited<ReturnType<RowSchema<unknown>['~standard']['validate']>>): Validated {
  if (result.issues === undefined && isRow(result.value)) return { accepted: result.value, refused: null }
  const reasons = (result.issues ?? [{ message: 'the schema gives no object' }]).map(describe)
  return { accepted: null, refused: `refused by the schema: ${reasons.join('; ')}` }
}

const isRow = (value: unknown): value is AnyRow => typeof value === 'object' && value !== null

function describe(issue: { message: string; path?: readonly unknown[] | undefined }): string {
  const path = (issue.path ?? []).map((part) => String(isRow(part) && 'key' in part ? part['key'] : part))
  return path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`
}

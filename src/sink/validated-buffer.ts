import type { AnyRow, RowSchema } from '../define/row-schema.ts'
import { CopyBuffer, type CopyLayout, type CopyLimits } from '../postgres/copy-binary.ts'
import { RowError } from './sink.ts'

/** For schemas whose fields cannot be read ahead: each row passes through the schema itself. */
export class ValidatedBuffer extends CopyBuffer {
  private readonly schema: RowSchema<AnyRow>

  constructor(layout: CopyLayout, capacity: number, schema: RowSchema<AnyRow>, limits: CopyLimits | undefined) {
    super(layout, capacity, limits)
    this.schema = schema
  }

  override add(row: AnyRow): void {
    super.add(this.valid(row))
  }

  override addAll(rows: readonly AnyRow[]): void {
    super.addAll(rows.map((row) => this.valid(row)))
  }

  private valid(row: AnyRow): AnyRow {
    const result = this.schema['~standard'].validate(row)
    if (result instanceof Promise)
      throw new RowError('the schema of the sink validates asynchronously: a synchronous one is right')
    if (result.issues !== undefined) throw new RowError(result.issues.map(({ message }) => message).join('; '))
    return result.value
  }
}

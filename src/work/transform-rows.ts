import { messageOf, TerminalError } from '../contract/errors.ts'
import { type Backfill, skip, type TransformContext } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { RejectedRow, RowBuffer } from '../sink/sink.ts'
import type { PageRows } from '../source/source.ts'

export interface TransformedChunk {
  readonly rowsRead: number
  readonly rowsFiltered: number
  readonly rejected: readonly RejectedRow[]
}

const rowTextLimit = 8_192

/**
 * Passes rows through the transform into the buffer. A row that cannot be transformed or encoded is rejected, with
 * its reason, while `rejectable` more may be; the next one ends the partition: TerminalError (ROW_INVALID).
 */
export async function transformRows(
  backfill: Backfill,
  rows: PageRows,
  context: TransformContext<AnyRow>,
  buffer: RowBuffer,
  after: string,
  rejectable: number,
): Promise<TransformedChunk> {
  const { transform } = backfill
  const rejected: RejectedRow[] = []
  let rowsFiltered = 0
  const write = (result: unknown): void => {
    if (result === null || result === undefined || result === skip) rowsFiltered += 1
    else if (Array.isArray(result)) {
      if (result.length === 0) rowsFiltered += 1
      // All or none: a source row must not be written and rejected at once.
      buffer.addAll(result.map(asRow))
    } else buffer.add(asRow(result))
  }
  let place = 0
  for (const row of rows) {
    try {
      // Awaited only where there is something to wait for: a promise a row costs more than most transforms.
      const result = transform === null ? row : transform(row, context)
      write(isPromise(result) ? await result : result)
    } catch (error) {
      const position = `row ${place} after ${after}`
      const reason = messageOf(error)
      if (rejected.length >= rejectable)
        throw new TerminalError(
          'ROW_INVALID',
          `${position}: ${reason}. No more rows may be rejected (limits.maxRejectedRows is ${backfill.limits.maxRejectedRows})`,
          { cause: error },
        )
      rejected.push({ position, reason, row: rowText(row) })
    }
    place += 1
  }
  return { rowsRead: rows.length, rowsFiltered, rejected }
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

function asRow(value: unknown): AnyRow {
  if (typeof value === 'object' && value !== null) return value as AnyRow
  throw new TypeError(
    `the transform returned ${JSON.stringify(value)}; a row, an array of rows, null or ctx.skip(…) is right`,
  )
}

function rowText(row: AnyRow): string {
  const text = JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  return text.length <= rowTextLimit ? text : text.slice(0, rowTextLimit)
}

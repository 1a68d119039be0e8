import { inspect } from 'node:util'
import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import { type Backfill, skip, type TransformContext } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { RejectedRow, RowBuffer } from '../sink/sink.ts'
import { NoRow } from '../source/no-row.ts'
import type { PageRows } from '../source/source.ts'
import { redactedMessage, rowText } from './redact.ts'

export interface TransformedChunk {
  readonly rowsRead: number
  readonly rowsFiltered: number
  readonly rejected: readonly RejectedRow[]
}

export interface TransformOptions {
  readonly backfill: Backfill
  readonly context: TransformContext<AnyRow>
  readonly buffer: RowBuffer
  /** Text that tells where the chunk begins. */
  readonly after: string
  /** Rows that may be rejected here. */
  readonly rejectable: number
  /** Aborted when the chunk is given up: what a transform answers then is late, and nobody wants it. */
  readonly givenUp: AbortSignal
  /** Is told each row that was transformed, with what became of it. */
  readonly keep?: (place: number, row: AnyRow, results: readonly AnyRow[]) => void
}

/**
 * Passes rows through the transform into the buffer. A row that cannot be read, transformed or encoded is rejected, with
 * its reason, while `rejectable` more may be; the next one is one too many: TerminalError (ROW_INVALID, or ERROR_BUDGET_SPENT
 * where there is a budget). RetryableError (CHUNK_TOO_LARGE) when the buffer is full.
 */
export async function transformRows(rows: PageRows, options: TransformOptions): Promise<TransformedChunk> {
  const { backfill, context, buffer, rejectable, givenUp, keep } = options
  const { transform } = backfill
  const rejected: RejectedRow[] = []
  let rowsFiltered = 0
  let place = 0
  const write = (row: AnyRow, result: unknown): void => {
    if (result === null || result === skip) rowsFiltered += 1
    else if (Array.isArray(result)) {
      if (result.length === 0) rowsFiltered += 1
      // All or none: a source row must not be written and rejected at once.
      const results = result.map(asRow)
      buffer.addAll(results)
      keep?.(place, row, results)
    } else {
      const one = asRow(result)
      buffer.add(one)
      keep?.(place, row, [one])
    }
  }
  const reject = (row: AnyRow, reason: string, cause?: unknown): void => {
    const refused = { place, row, results: [], reason }
    if (rejected.length >= rejectable) throw oneTooMany(options, refused, cause)
    rejected.push(rejectedRow(options, refused))
  }
  for (const row of rows) {
    if (row instanceof NoRow) {
      if (row.isLeftOut) rowsFiltered += 1
      else reject(row.shown(backfill.redact), row.reason)
      place += 1
      continue
    }
    try {
      // Awaited only where there is something to wait for: a promise a row costs more than most transforms.
      const result = transform === null ? row : transform(row, context)
      if (isPromise(result)) {
        const awaited = await result
        if (givenUp.aborted) throw new GivenUp()
        write(row, awaited)
      } else write(row, result)
    } catch (error) {
      if (givenUp.aborted || error instanceof RetryableError) throw error
      reject(row, messageOf(error), error)
    }
    place += 1
  }
  return { rowsRead: rows.length, rowsFiltered, rejected }
}

/** Nobody listens any more: ends the loop. */
class GivenUp extends Error {}

export interface RefusedRow {
  /** In the chunk, from 0. */
  readonly place: number
  readonly row: AnyRow
  readonly results: readonly AnyRow[]
  readonly reason: string
}

export function rejectedRow(
  { backfill: { redact }, after }: Pick<TransformOptions, 'backfill' | 'after'>,
  { place, row, results, reason }: RefusedRow,
): RejectedRow {
  return {
    position: `row ${place} after ${after}`,
    reason: redactedMessage(reason, [row, ...results], redact),
    row: rowText(row, redact),
  }
}

/** The error of a bad row that may not be rejected any more. Without a cause where values are redacted: messages repeat it. */
export function oneTooMany(
  options: Pick<TransformOptions, 'backfill' | 'after'>,
  refused: RefusedRow,
  cause?: unknown,
): BadRowError {
  const { redact, limits } = options.backfill
  const { position, reason, row } = rejectedRow(options, refused)
  return new BadRowError(
    limits.maxRejectedRows === 0 ? 'ROW_INVALID' : 'ERROR_BUDGET_SPENT',
    `${position}: ${reason}. No more rows may be rejected (limits.maxRejectedRows is ${limits.maxRejectedRows})`,
    row,
    redact.length === 0 && cause !== undefined ? { cause } : undefined,
  )
}

/** Carries the row it speaks of, as text, for whoever has to look into it. */
export class BadRowError extends TerminalError {
  readonly row: string
  constructor(code: 'ROW_INVALID' | 'ERROR_BUDGET_SPENT', message: string, row: string, options?: ErrorOptions) {
    super(code, message, options)
    this.row = row
  }
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

function asRow(value: unknown): AnyRow {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AnyRow
  const what =
    value === undefined ? 'nothing (a return is missing)' : inspect(value, { depth: 1, maxStringLength: 100 })
  throw new TypeError(`the transform returned ${what}; a row, an array of rows, null or ctx.skip(…) is right`)
}

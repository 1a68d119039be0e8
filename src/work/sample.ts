import { NoRow } from '../source/no-row.ts'
import type { Page } from '../source/source.ts'
import { rowText } from './redact.ts'
import { BadRowError } from './transform-rows.ts'

const sampleRows = 3

/** Rows that were in hand when a chunk failed, for a person: the bad one where it is known, otherwise the first of the page. Never throws. */
export function sampleOf(error: unknown, page: Page | undefined, redact: readonly string[]): string[] {
  if (error instanceof BadRowError) return [error.row]
  const sample: string[] = []
  if (page === undefined) return sample
  try {
    for (const row of page.rows) {
      sample.push(rowText(row instanceof NoRow ? row.shown(redact) : row, redact))
      if (sample.length === sampleRows) break
    }
  } catch {
    // A row that cannot be read is what failed.
  }
  return sample
}

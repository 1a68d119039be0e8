import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { boundValue, microsToInstant } from '../contract/range.ts'
import { shareOfRows } from './share-of-rows.ts'
import { type WindowStarts, windowStarts } from './window-starts.ts'

/**
 * Windows that begin where a calendar period (P1D, P1W, P1M, P1Y) begins in the time zone, or at whole multiples of a
 * fixed duration (PT15M, PT1H) since 1970-01-01T00:00:00Z. The first and the last window are clipped to the bounds.
 */
export function* cutTimeWindows(
  bounds: Extract<PinnedBounds, { kind: 'time' }>,
  by: { readonly every: string; readonly timezone: string },
): Generator<Omit<PlannedPartition, 'index'>> {
  const starts = windowStartsOf(by)
  const [first, end] = [boundValue('time', bounds.from), boundValue('time', bounds.to)]
  const share = shareOfRows(bounds.estimatedRows, first, end)
  let from = first
  for (let window = starts.windowOf(first) + 1n; from < end; window += 1n) {
    const next = starts.startOf(window)
    const to = next < end ? next : end
    // A day that a time zone left out (Pacific/Apia, 2011-12-30) is a window without any instant.
    if (to <= from) continue
    yield {
      from: microsToInstant(from),
      to: microsToInstant(to),
      locator: { column: bounds.column },
      estimatedRows: share(from, to),
    }
    from = to
  }
}

function windowStartsOf(by: { readonly every: string; readonly timezone: string }): WindowStarts {
  try {
    return windowStarts(by.every, by.timezone)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new TerminalError('PLAN_INVALID', error.message, { cause: error })
  }
}

import { TerminalError } from '../contract/errors.ts'
import type { NumberedBounds, PlannedPartition } from '../contract/plan.ts'
import { boundText, boundValue, cuttableBelow, cutUnits } from '../contract/range.ts'

/** Ranges that hold equally many rows, `size` at most, as far as the pinned spread tells; of one value there is no half. */
export function* cutQuantiles(bounds: NumberedBounds, size: number): Generator<Omit<PlannedPartition, 'index'>> {
  const { kind, column, spread } = bounds
  const end = boundValue(kind, bounds.to)
  const whole = (value: bigint): bigint => cuttableBelow(kind, value)
  let from = boundValue(kind, bounds.from)
  if (from >= end) return
  if (spread === undefined)
    throw new TerminalError('PLAN_INVALID', 'the pinned bounds do not say how the rows lie: plan the run again')
  const total = BigInt(spread.reduce((sum, { rows }) => sum + rows, 0))
  const partitions = (total + BigInt(size) - 1n) / BigInt(size)
  let fromRows = 0n
  const piece = (to: bigint, toRows: bigint): Omit<PlannedPartition, 'index'> => ({
    from: boundText(kind, from),
    to: boundText(kind, to),
    locator: { column },
    estimatedRows: Number(toRows - fromRows),
  })
  let [stepFrom, below, next] = [from, 0n, 1n]
  for (const step of spread) {
    const [stepTo, rows] = [boundValue(kind, step.to), BigInt(step.rows)]
    const width = stepTo - stepFrom
    for (; next < partitions && (next * total) / partitions <= below + rows; next += 1n) {
      const within = (next * total) / partitions - below
      const exact = stepFrom + (rows === 0n ? 0n : (width * within) / rows)
      // A value that begins a partition and holds more than its part ends it too.
      const isBegun = whole(exact) === whole(from) && from < stepTo
      const to = isBegun ? whole(from) + cutUnits[kind] : whole(exact)
      if (to <= from || to >= end) continue
      const toRows = below + (width === 0n ? 0n : (rows * ((to < stepTo ? to : stepTo) - stepFrom)) / width)
      const cut = piece(to, toRows)
      ;[from, fromRows] = [to, toRows]
      yield cut
    }
    below += rows
    stepFrom = stepTo
  }
  yield piece(end, total)
}

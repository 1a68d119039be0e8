import { TerminalError } from '../contract/errors.ts'
import type { NumberedBounds, PinnedBounds } from '../contract/plan.ts'
import { boundValue, type NumberedKind } from '../contract/range.ts'

interface Ends {
  readonly from: string
  readonly to: string
}

/** Where the rows above these bounds begin; null: nothing was within them, so everything is above. */
export const lowestAbove = ({ from, to }: Pick<NumberedBounds, 'from' | 'to'>): string | null =>
  from === to ? null : to

/**
 * Of a column's bounds as they are now, what lies above those of an earlier run; both ends the same when nothing does.
 * Throws TerminalError (PARAMS_INVALID) when the earlier run counted in something else.
 */
export function boundsAbove(kind: NumberedKind, column: string, before: PinnedBounds | undefined, now: Ends): Ends {
  if (before === undefined) return now
  if (!('column' in before) || before.kind !== kind || before.column !== column)
    throw new TerminalError(
      'PARAMS_INVALID',
      `the run before is of ${domainOf(before)}, and this one would be of column "${column}" (${kind}): ` +
        'partitionBy was changed, so ask for a run that follows none',
    )
  const from = lowestAbove(before)
  if (from === null) return now
  return { from, to: boundValue(kind, from) < boundValue(kind, now.to) ? now.to : from }
}

function domainOf(bounds: PinnedBounds): string {
  switch (bounds.kind) {
    case 'rows':
    case 'bytes':
      return `${bounds.kind} of files`
    case 'blocks':
      return 'blocks of the table'
    case 'offsets':
      return `offsets of topic "${bounds.topic}"`
    case 'key':
      return `columns ${bounds.columns.map((name) => `"${name}"`).join(', ')}`
    case 'integer':
    case 'time':
    case 'uuid':
      return `column "${bounds.column}" (${bounds.kind})`
  }
}

import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { orderOf } from './domain-order.ts'
import { shareOfRows } from './share-of-rows.ts'
import { type Span, within } from './stretches.ts'

type Piece = Omit<PlannedPartition, 'index'>

/**
 * Of the pieces of a domain what its bounds say is to be done, cut to size; whole where only the source knows where
 * there may be a cut.
 */
export function* selectedPieces(bounds: PinnedBounds, pieces: Iterable<Piece>): Generator<Piece> {
  if (bounds.only === undefined) {
    yield* pieces
    return
  }
  const { value, text } = orderOf(bounds)
  const only = bounds.only.map(({ from, to }): Span => ({ from: value(from), to: value(to) }))
  let before: Piece | null = null
  for (const { piece, whole, from, to } of within(placed(pieces, value), only)) {
    if (from === whole.from && to === whole.to) yield piece
    else if (bounds.kind !== 'bytes' && bounds.kind !== 'key') {
      const estimatedRows = shareOfRows(piece.estimatedRows, whole.from, whole.to)(from, to)
      yield { ...piece, from: text(from), to: text(to), estimatedRows }
    } else if (piece !== before) yield piece
    before = piece
  }
}

function* placed(
  pieces: Iterable<Piece>,
  value: (bound: string) => bigint,
): Generator<Span & { readonly piece: Piece; readonly whole: Span }> {
  for (const piece of pieces) {
    const whole = { from: value(piece.from), to: value(piece.to) }
    yield { ...whole, piece, whole }
  }
}

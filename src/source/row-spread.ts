import type { RowSpread } from '../contract/plan.ts'

/** What is known of how the rows lie over the values of a column. Values are integers, or microseconds since 1970. */
export interface ValueStatistics {
  /** Ascending; as many rows between each two neighbours. Neighbours that are the same stand for rows of one value. */
  readonly quantiles: readonly bigint[]
  /** Values of more rows than that, which the quantiles leave out, with their share of all rows. */
  readonly mostCommon: readonly { readonly value: bigint; readonly share: number }[]
}

/** A range of values, half-open, and its share of the rows. */
interface Piece {
  readonly from: bigint
  readonly to: bigint
  readonly share: number
}

/**
 * The `rows` rows of [from, to) as steps that tile it: within a step they are taken to lie evenly. Between statistics
 * and the bounds there may be room, which has no rows.
 */
export function spreadOf(
  statistics: ValueStatistics,
  { from, to }: { readonly from: bigint; readonly to: bigint },
  rows: number,
): { readonly to: bigint; readonly rows: number }[] {
  const pieces = piecesOf(statistics).flatMap((piece) => clipped(piece, from, to))
  const edges = [...new Set([from, to, ...pieces.flatMap((piece) => [piece.from, piece.to])])].sort(ascending)
  const shares = edges.slice(1).map(() => 0)
  const placeOf = new Map(edges.map((edge, at) => [edge, at]))
  for (const piece of pieces) {
    const [begin, end] = [placeOf.get(piece.from) ?? 0, placeOf.get(piece.to) ?? 0]
    const width = Number(piece.to - piece.from)
    for (let at = begin; at < end; at += 1)
      shares[at] = (shares[at] ?? 0) + piece.share * (Number((edges[at + 1] ?? 0n) - (edges[at] ?? 0n)) / width)
  }
  const all = shares.reduce((sum, share) => sum + share, 0)
  // Nothing is known of this part of the domain: as if evenly.
  if (all === 0) return [{ to, rows }]
  let [below, share] = [0, 0]
  return shares.map((of, at) => {
    share += of
    const upTo = at === shares.length - 1 ? rows : Math.min(rows, Math.round((share / all) * rows))
    const step = { to: edges[at + 1] ?? to, rows: Math.max(0, upTo - below) }
    below = Math.max(below, upTo)
    return step
  })
}

/** The steps as they are stored with a plan. */
export const storedSpread = (
  steps: readonly { readonly to: bigint; readonly rows: number }[],
  text: (value: bigint) => string,
): RowSpread => steps.map(({ to, rows }) => ({ to: text(to), rows }))

function piecesOf({ quantiles, mostCommon }: ValueStatistics): Piece[] {
  const common = mostCommon.reduce((sum, { share }) => sum + share, 0)
  const share = Math.max(0, 1 - common) / Math.max(1, quantiles.length - 1)
  return [
    ...quantiles.slice(1).map((value, at): Piece => {
      const from = quantiles[at] ?? value
      return { from, to: value > from ? value : value + 1n, share }
    }),
    ...mostCommon.map(({ value, share: of }): Piece => ({ from: value, to: value + 1n, share: of })),
  ]
}

function clipped(piece: Piece, from: bigint, to: bigint): Piece[] {
  const begin = piece.from > from ? piece.from : from
  const end = piece.to < to ? piece.to : to
  if (begin >= end) return []
  return [{ from: begin, to: end, share: piece.share * (Number(end - begin) / Number(piece.to - piece.from)) }]
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Rows of a range when the domain's rows were spread evenly; null when the domain's are not known. The shares of
 * ranges that tile the domain add up to the domain's rows.
 */
export function shareOfRows(
  rows: number | null,
  first: bigint,
  end: bigint,
): (from: bigint, to: bigint) => number | null {
  if (rows === null || first >= end) return () => rows
  const upTo = (value: bigint): bigint => (BigInt(rows) * (value - first)) / (end - first)
  return (from, to) => Number(upTo(to) - upTo(from))
}

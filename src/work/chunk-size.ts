/** Rows of the next chunk after one that was too large for its time, its bytes or the sink's memory. */
export const halved = (rows: number): number => Math.max(1, Math.floor(rows / 2))

/** Rows of the next chunk after one that passed: a fifth more at most (one more where that is none), up to the limit. */
export const grown = (rows: number, limit: number): number =>
  Math.min(limit, Math.max(rows + 1, Math.floor(rows * 1.2)))

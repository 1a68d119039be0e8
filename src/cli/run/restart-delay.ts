const firstMs = 250
const longestMs = 10_000
const healthyAfterMs = 30_000

/** How long to wait before a process that ended `failures` times in a row is started again. */
export const restartDelayMs = (failures: number): number =>
  failures === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (failures - 1))

/** Failures in a row, counting one more: a process that lived long enough begins anew. */
export const failuresAfter = (failures: number, livedMs: number): number =>
  livedMs >= healthyAfterMs ? 1 : failures + 1

/**
 * The order in which the tasks of a plan are published: neighbours far apart, so that workers do not crowd in one part
 * of the keys, and the speed of the first tells that of the others. Follows from the number of partitions alone.
 */
export interface PublishOrder {
  /** Index of the partition that is published as the `place`-th, from 0. */
  indexAt(place: number): number
  /** The other way round. */
  placeOf(index: number): number
}

const goldenShare = 0.618_033_988_75

/** Steps of about the golden share of the plan: however many were taken, they lie about evenly. */
export function publishOrder(partitions: number): PublishOrder {
  const step = coprimeNear(Math.round(partitions * goldenShare), partitions)
  const back = inverse(step, partitions)
  return {
    indexAt: (place) => (place * step) % partitions,
    placeOf: (index) => (index * back) % partitions,
  }
}

function coprimeNear(wanted: number, of: number): number {
  for (let away = 0; away < of; away += 1)
    for (const step of [wanted + away, wanted - away]) if (step >= 1 && divisor(step, of) === 1) return step
  return 1
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

/** The number that `a` times it leaves 1 of `of`: extended Euclid. */
function inverse(a: number, of: number): number {
  let [r, next] = [of, a % of]
  let [t, nextT] = [0, 1]
  while (next !== 0) {
    const quotient = Math.floor(r / next)
    ;[r, next] = [next, r - quotient * next]
    ;[t, nextT] = [nextT, t - quotient * nextT]
  }
  return t < 0 ? t + of : t
}

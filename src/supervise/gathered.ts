import { alertKey, type Condition } from './alerts.ts'

/** So many partitions of a run are told one by one. */
const mostSingly = 20

/**
 * Conditions that many partitions of a run share, as one about the run: a database that went back concerns them all, and
 * nobody reads ten thousand alerts.
 */
export function gathered(conditions: readonly Condition[]): readonly Condition[] {
  const byRun = Map.groupBy(conditions, ({ kind, about }) =>
    about.partitionId === undefined ? null : `${kind}|${about.runId}`,
  )
  const result: Condition[] = []
  for (const [key, of] of byRun) {
    const [first] = of
    if (key === null || of.length <= mostSingly || first === undefined) result.push(...unique(of))
    else {
      const { partitionId: _partition, index: _index, ...about } = first.about
      const named = of.slice(0, 5).map((one) => one.about.index)
      const message = `${of.length} partitions, among them ${named.join(', ')}; the first of them: ${first.message}`
      result.push({ ...first, about, message })
    }
  }
  return result
}

const unique = (conditions: readonly Condition[]): Iterable<Condition> =>
  new Map(conditions.map((condition) => [alertKey(condition), condition])).values()

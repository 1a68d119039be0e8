import type { PartitionBy } from './partition-by.ts'

/** Why nothing can follow a run that is cut in this way; null when something can. */
export function followProblem(by: PartitionBy): string | null {
  switch (by.kind) {
    case 'rowGroup':
    case 'rows':
    case 'bytes':
      return 'follow: files have no rows above a bound; ask for another run when there are new files'
    case 'offsets':
      return 'follow: a topic is not followed yet; give the definition a schedule, or ask for another run when there are new records'
    case 'auto':
      return 'follow: partitionBy "auto" may choose another column each time; name one by byTime, byKey or byQuantiles'
    case 'blocks':
      return 'follow: partitionBy "blocks" has no rows above a bound, for what comes in may lie anywhere; cut by byTime, byKey or byQuantiles'
    case 'hash':
    case 'list':
      return `follow: partitionBy "${by.kind}" has no rows above a bound; cut by byTime, byKey or byQuantiles`
    case 'time':
    case 'key':
    case 'custom':
    case 'quantiles':
      return by.bounds === null
        ? null
        : `follow: params "${by.bounds.from}" and "${by.bounds.to}" bound the run, so there is nothing above it that it leaves to another; ` +
            'leave out bounds of partitionBy, or give it a schedule'
  }
}

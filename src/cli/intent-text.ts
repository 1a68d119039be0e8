import type { Intended } from '../ledger/intent-queries.ts'
import type { Obedience } from '../status/acknowledged.ts'
import { countText, durationText } from './run/progress-text.ts'

/** acknowledged by 4 of 4 workers in 1.8s */
export function obedienceText({ by, of, missing, tookMs }: Obedience): string {
  if (of === 0) return 'no worker is in the group'
  const took = tookMs === null || missing.length > 0 ? '' : ` in ${durationText(tookMs)}`
  const without = missing.length === 0 ? '' : `, not by ${missing.join(', ')}`
  return `acknowledged by ${by} of ${of} workers${took}${without}`
}

/** What is wanted of a run, since when, by whom and why, and who obeys. */
export function intentText(intended: Intended, obedience: Obedience | null): string {
  const by = intended.by === null ? '' : ` by ${intended.by}`
  const why = intended.reason === null ? '' : ` (${intended.reason})`
  const of = (intent: string): number => intended.partitions.filter((one) => one.intent === intent).length
  const own = (['paused', 'cancelled'] as const).flatMap((intent) =>
    of(intent) === 0 ? [] : [`${of(intent)} partitions ${intent}`],
  )
  const since = intended.at === null ? '' : ` since ${intended.at}`
  const settings = Object.entries(intended.settings).flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${countText(value)}`],
  )
  return [
    `${intended.intent}${since}${by}${why}`,
    ...own,
    ...settings,
    ...(obedience === null ? [] : [obedienceText(obedience)]),
  ].join(', ')
}

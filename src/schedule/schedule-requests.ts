import { Temporal } from 'temporal-polyfill'
import type { BackfillId } from '../contract/ids.ts'
import type { StartRequest } from '../contract/request.ts'
import type { Schedule } from '../define/schedule.ts'
import { type DueTimes, dueBefore } from './due-times.ts'

/** The key that all requests of a schedule begin with. */
export const scheduleKeys = (backfill: BackfillId): string => `schedule/${backfill}/`

/**
 * A request for each due time, its key made of backfill and time: however often it is made, it is one run. Where params
 * are filled with times, each run begins where the one before ends, and the first of them at the last due time that was
 * decided upon: what was skipped is within it.
 */
export function scheduleRequests(backfill: BackfillId, schedule: Schedule, { run, skipped }: DueTimes): StartRequest[] {
  return run.map((due, n) => {
    const from = run[n - 1] ?? dueBefore(schedule, skipped?.from ?? due)
    return {
      ...{ version: 1, type: 'start', requestKey: `${scheduleKeys(backfill)}${due.toISOString()}`, backfill },
      params: { ...schedule.params, ...boundParams(schedule, from, due) },
      requestedBy: 'tidemark',
    }
  })
}

/** Params for the rows between two due times; none when the schedule names none. */
export function boundParams({ bounds, timezone }: Schedule, from: Date, to: Date): Record<string, string> {
  if (bounds === undefined) return {}
  const text = (time: Date): string =>
    bounds.as === 'instant'
      ? time.toISOString()
      : Temporal.Instant.fromEpochMilliseconds(time.getTime()).toZonedDateTimeISO(timezone).toPlainDate().toString()
  return { [bounds.from]: text(from), [bounds.to]: text(to) }
}

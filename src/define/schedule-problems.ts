import { closed } from '../plan/admit-params.ts'
import { issueLines } from '../plan/issue-lines.ts'
import { boundParams } from '../schedule/schedule-requests.ts'
import type { ParamsSchema } from './define-backfill.ts'
import type { Schedule } from './schedule.ts'

/** What is wrong with a schedule of a definition with these params; found when it is loaded, not at three in the morning. */
export function scheduleProblems(schedule: Schedule, params: ParamsSchema, follow: boolean): string[] {
  const both = follow
    ? ['schedule and follow: a run is asked for by the clock, or by the end of the one before; leave out one of them']
    : []
  const bounds = boundParams(schedule, new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z'))
  const twice = Object.keys(bounds)
    .filter((name) => name in schedule.params)
    .map((name) => `schedule.params.${name}: schedule.bounds fills it with a time; leave out one of them`)
  return [...both, ...twice, ...refused(params, { ...schedule.params, ...bounds })]
}

function refused(params: ParamsSchema, given: Record<string, unknown>): string[] {
  try {
    const parsed = closed(params).safeParse(given)
    return parsed.success ? [] : issueLines(parsed.error, given, 'schedule.params')
  } catch {
    // A schema that must be waited for is asked when a run is due.
    return []
  }
}

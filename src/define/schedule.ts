import { Cron } from 'croner'
import { z } from 'zod'
import { messageOf } from '../contract/errors.ts'
import { issueLines } from '../plan/issue-lines.ts'

/** Params that are filled with times: rows from the due time before on, up to the due time itself. */
const ScheduleBounds = z.strictObject({
  from: z.string().min(1),
  to: z.string().min(1),
  as: z
    .enum(['instant', 'date'])
    .default('instant')
    .describe("An instant in UTC, or the date of it in the schedule's time zone."),
})

/** When a backfill runs by itself. */
export const Schedule = z.strictObject({
  every: z
    .string()
    .describe('Cron expression of five fields: minute, hour, day of month, month, day of week; or @hourly, @daily …'),
  timezone: z.string().default('UTC').describe('IANA name of the time zone in which the expression is meant.'),
  params: z.record(z.string(), z.json()).default({}).describe('Params of every run.'),
  bounds: ScheduleBounds.optional().describe('Params that are filled with the due time before and the due time.'),
  catchUp: z.int().min(1).max(100).default(1).describe('Runs that are made up for after a downtime, the latest ones.'),
})
export type Schedule = z.output<typeof Schedule>
export type ScheduleInput<Param extends string = string> = Omit<z.input<typeof Schedule>, 'bounds'> & {
  /** Params that are filled with the due time before and the due time: as instants in UTC, or as dates in the time zone. */
  readonly bounds?: { readonly from: Param; readonly to: Param; readonly as?: 'instant' | 'date' }
}

/** A schedule as it was written, checked, or every reason why it is none. */
export function readSchedule(given: unknown): { readonly schedule: Schedule | null; readonly reasons: string[] } {
  const parsed = Schedule.safeParse(given)
  if (!parsed.success) return { schedule: null, reasons: issueLines(parsed.error, given, 'schedule') }
  const { every, timezone } = parsed.data
  const reasons = [
    ...(isTimezone(timezone)
      ? []
      : [`schedule.timezone: "${timezone}" is not known: use an IANA name such as UTC or Europe/Berlin`]),
  ]
  try {
    if (cronOf({ every, timezone: 'UTC' }).nextRun(new Date(0)) === null)
      reasons.push(`schedule.every: "${every}" never comes`)
  } catch (error) {
    reasons.push(
      `schedule.every: "${every}" is no cron expression of five fields, such as "0 3 * * *": ${messageOf(error)}`,
    )
  }
  return { schedule: reasons.length === 0 ? parsed.data : null, reasons }
}

/** Five fields: a schedule of seconds would be a stream, not a backfill. Throws when the expression is none. */
export const cronOf = ({ every, timezone }: Pick<Schedule, 'every' | 'timezone'>): Cron =>
  new Cron(every, { timezone, mode: '5-part', paused: true })

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

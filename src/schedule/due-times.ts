import { cronOf, type Schedule } from '../define/schedule.ts'

/** Due times that have come since others were decided upon, earliest first. */
export interface DueTimes {
  /** Those for which a run is made: the latest ones, as many as the schedule lets make up for. */
  readonly run: readonly Date[]
  /** Those before them, for which none is. */
  readonly skipped: SkippedTimes | null
}

export interface SkippedTimes {
  readonly from: Date
  readonly to: Date
  /** Null: more than a thousand. */
  readonly times: number | null
}

type Clock = Pick<Schedule, 'every' | 'timezone'>

const mostCounted = 1_000
const secondMs = 1_000

/** What is due after `handled` and up to `now`. A clock that was set back makes nothing due again. */
export function dueTimes(schedule: Clock & Pick<Schedule, 'catchUp'>, handled: Date, now: Date): DueTimes {
  const cron = cronOf(schedule)
  // The reference itself is left out, and fractions of its second are not looked at.
  const afterNow = new Date((Math.floor(now.getTime() / secondMs) + 1) * secondMs)
  const run = cron
    .previousRuns(schedule.catchUp, afterNow)
    .filter((time) => time > handled)
    .reverse()
  const [first] = run
  if (first === undefined) return { run, skipped: null }
  return { run, skipped: skippedBetween(schedule, handled, first) }
}

function skippedBetween(schedule: Clock, handled: Date, first: Date): SkippedTimes | null {
  const cron = cronOf(schedule)
  const from = cron.nextRun(handled)
  if (from === null || from >= first) return null
  let to = from
  for (let times = 1; times <= mostCounted; times += 1) {
    const next = cron.nextRun(to)
    if (next === null || next >= first) return { from, to, times }
    to = next
  }
  return { from, to: dueBefore(schedule, first), times: null }
}

/** The due time that comes next; null: none does any more. */
export const dueAfter = (schedule: Clock, time: Date): Date | null => cronOf(schedule).nextRun(time)

/** The last due time before a due time; that time itself when there was none. */
export const dueBefore = (schedule: Clock, due: Date): Date => cronOf(schedule).previousRuns(1, due)[0] ?? due

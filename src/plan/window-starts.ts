import { Temporal } from 'temporal-polyfill'

/** Windows of one length, numbered through all time. */
export interface WindowStarts {
  /** Number of the window that holds the instant, in microseconds since 1970. */
  windowOf(micros: bigint): bigint
  /** First instant of the window, in microseconds since 1970. */
  startOf(window: bigint): bigint
}

const fixedMicros: Readonly<Record<string, bigint>> = { S: 1_000_000n, M: 60_000_000n, H: 3_600_000_000n }
// A Monday: weeks begin on Mondays, as in ISO 8601.
const dayZero = { D: new Temporal.PlainDate(1970, 1, 1), W: new Temporal.PlainDate(1969, 12, 29) }

/** Throws RangeError when `every` is no duration that repeats, or the time zone is not known. */
export function windowStarts(every: string, timezone: string): WindowStarts {
  zonedAt(0n, timezone)
  const [, fixed, fixedUnit, calendar, calendarUnit] = /^P(?:T(\d{1,9})([SMH])|(\d{1,6})([DWMY]))$/.exec(every) ?? []
  const count = BigInt(fixed ?? calendar ?? 0)
  if (count < 1n)
    throw new RangeError(
      `partitionBy every "${every}" is not a duration of one unit such as PT15M, PT1H, P1D, P1W, P1M or P1Y`,
    )
  if (fixedUnit !== undefined) return fixedWindows(count * (fixedMicros[fixedUnit] ?? 1n))
  switch (calendarUnit) {
    case 'D':
      return dayWindows(dayZero.D, count, timezone)
    case 'W':
      return dayWindows(dayZero.W, count * 7n, timezone)
    case 'M':
      return monthWindows(count, timezone)
    default:
      return monthWindows(count * 12n, timezone)
  }
}

function fixedWindows(length: bigint): WindowStarts {
  return { windowOf: (micros) => floorDivide(micros, length), startOf: (window) => window * length }
}

function dayWindows(zero: Temporal.PlainDate, days: bigint, timezone: string): WindowStarts {
  return {
    windowOf: (micros) => floorDivide(BigInt(zero.until(zonedAt(micros, timezone).toPlainDate()).days), days),
    startOf: (window) => startOfDay(zero.add({ days: Number(window * days) }), timezone),
  }
}

/** Counted from year 0, so quarters begin in January, April, July and October and decades in years that end in 0. */
function monthWindows(months: bigint, timezone: string): WindowStarts {
  return {
    windowOf(micros) {
      const { year, month } = zonedAt(micros, timezone)
      return floorDivide(BigInt(year * 12 + month - 1), months)
    },
    startOf(window) {
      const month = window * months
      const year = floorDivide(month, 12n)
      return startOfDay(new Temporal.PlainDate(Number(year), Number(month - year * 12n) + 1, 1), timezone)
    },
  }
}

function zonedAt(micros: bigint, timezone: string): Temporal.ZonedDateTime {
  try {
    return new Temporal.ZonedDateTime(micros * 1000n, timezone)
  } catch (error) {
    throw new RangeError(`time zone "${timezone}" is not known: use an IANA name such as UTC or Europe/Berlin`, {
      cause: error,
    })
  }
}

/** The first instant of a day, which is not midnight where the clocks go forward at midnight. */
function startOfDay(date: Temporal.PlainDate, timezone: string): bigint {
  return date.toZonedDateTime(timezone).epochNanoseconds / 1000n
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

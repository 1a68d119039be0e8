/** A moment taken apart so that no part loses digits: whole milliseconds since 1970 and 0 to 999 microseconds more. */
export interface Moment {
  ms: number
  micros: number
  /** Whether the text named an offset from UTC. */
  zoned: boolean
}

/**
 * Reads RFC 3339 text into `into`: a date, `T` or a blank, a time with up to six digits of fraction, and an offset
 * unless it is left out. False when it is something else, or names a day or time that does not exist.
 */
export function parseInstant(text: string, into: Moment): boolean {
  const days = parseDay(text)
  const { length } = text
  if (Number.isNaN(days) || length < 19) return false
  const separator = text.charCodeAt(10)
  if ((separator !== 84 && separator !== 116 && separator !== 32) || text[13] !== ':' || text[16] !== ':') return false
  const hours = twoDigits(text, 11)
  const minutes = twoDigits(text, 14)
  const seconds = twoDigits(text, 17)
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return false
  let at = 19
  let fraction = 0
  if (text.charCodeAt(at) === 46) {
    at += 1
    const begin = at
    let weight = 100_000
    for (let digit = digitAt(text, at); digit >= 0; at += 1, digit = digitAt(text, at)) {
      fraction += digit * weight
      weight /= 10
    }
    if (at === begin || at - begin > 6) return false
  }
  let offsetMinutes = 0
  const sign = text.charCodeAt(at)
  into.zoned = at < length
  if (sign === 90 || sign === 122) at += 1
  else if (sign === 43 || sign === 45) {
    if (at + 6 !== length || text.charCodeAt(at + 3) !== 58) return false
    const [offsetHours, rest] = [twoDigits(text, at + 1), twoDigits(text, at + 4)]
    if (!(offsetHours < 24 && rest < 60)) return false
    offsetMinutes = (offsetHours * 60 + rest) * (sign === 43 ? 1 : -1)
    at += 6
  }
  if (at !== length) return false
  into.micros = fraction % 1000
  into.ms =
    days * 86_400_000 + (hours * 60 + minutes - offsetMinutes) * 60_000 + seconds * 1000 + Math.floor(fraction / 1000)
  return true
}

/** Days since 1970-01-01 of a text that begins with YYYY-MM-DD; NaN when it does not, or names no day. */
export function parseDay(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return Number.NaN
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  // A comparison with NaN is false, so digits that are none fall through here too.
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month))) return Number.NaN
  // Days from the civil calendar with the year beginning in March, so that the leap day is its last.
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function twoDigits(text: string, at: number): number {
  const [tens, ones] = [digitAt(text, at), digitAt(text, at + 1)]
  return tens < 0 || ones < 0 ? Number.NaN : tens * 10 + ones
}

/** −1 when there is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48
  return digit >= 0 && digit <= 9 ? digit : -1
}

import { ValueError } from '../files/value-error.ts'

/** Days since 1970 as "2001-01-31". */
export function isoDate(days: number): string {
  return isoMilliseconds(BigInt(days) * 86_400_000n).split('T')[0] ?? ''
}

/** Units since midnight as "23:59:59.123456". */
export function isoTime(units: bigint, perSecond: bigint): string {
  return isoTimestamp(units, perSecond, false).slice(11)
}

/** Units since 1970 as "2001-01-31T23:59:59.123456", with a Z when they are an instant, without trailing zeros. */
export function isoTimestamp(units: bigint, perSecond: bigint, utc: boolean): string {
  const part = ((units % perSecond) + perSecond) % perSecond
  const fraction = part
    .toString()
    .padStart(perSecond.toString().length - 1, '0')
    .replace(/0+$/, '')
  const seconds = isoMilliseconds(((units - part) / perSecond) * 1000n).replace(/\.000Z$/, '')
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}${utc ? 'Z' : ''}`
}

function isoMilliseconds(milliseconds: bigint): string {
  const date = new Date(Number(milliseconds))
  if (Number.isNaN(date.getTime())) throw new ValueError(`is ${milliseconds} ms from 1970, which is out of range`)
  return date.toISOString()
}

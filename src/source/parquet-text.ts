import { isUtf8 } from 'node:buffer'
import { ValueError } from '../files/value-error.ts'

/** Text of UTF-8 bytes. Throws ValueError when they are none: a replacement character would change the value. */
export function utf8Text(value: Buffer): string {
  const text = value.toString('utf8')
  if (text.includes('\uFFFD') && !isUtf8(value)) throw new ValueError('is not valid UTF-8')
  return text
}

export function uuidText(value: Buffer): string {
  const hex = value.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** 12345 of scale 2 is "123.45". */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return (unscaled * 10n ** BigInt(-scale)).toString()
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

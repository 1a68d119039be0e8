/** A decimal number taken apart: sign, digits before and after the point, without exponent. */
export interface PlainDecimal {
  readonly negative: boolean
  /** No leading zeros; empty for less than 1. */
  readonly whole: string
  readonly fraction: string
}

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/

/** Undefined when the text is no decimal number, or needs more digits than Postgres keeps. */
export function plainDecimal(text: string): PlainDecimal | undefined {
  const match = decimal.exec(text)
  if (match === null) return undefined
  const [, sign = '', before = '', after = '', exponent] = match
  if (before === '' && after === '') return undefined
  const [whole, fraction] = exponent === undefined ? [before, after] : shifted(before, after, Number(exponent))
  const digits = whole.replace(/^0+/, '')
  if (digits.length > 131_072 || fraction.length > 16_383) return undefined
  return { negative: sign === '-', whole: digits, fraction }
}

/** The number without exponent: `1e-7` is `0.0000001`. */
export function plainText({ negative, whole, fraction }: PlainDecimal): string {
  const magnitude = (whole === '' ? '0' : whole) + (fraction === '' ? '' : `.${fraction}`)
  return negative && /[1-9]/.test(magnitude) ? `-${magnitude}` : magnitude
}

/** Rounded half away from zero to `scale` digits after the point; a negative scale rounds before it. */
export function roundedTo(number: PlainDecimal, scale: number): PlainDecimal {
  const { negative, whole, fraction } = number
  if (fraction.length <= scale) return { negative, whole, fraction: fraction.padEnd(scale, '0') }
  const dropped = fraction.length - scale
  const unit = 10n ** BigInt(dropped)
  const digits = ((BigInt(`0${whole}${fraction}`) + unit / 2n) / unit).toString()
  if (scale <= 0) return { negative, whole: digits === '0' ? '' : digits + '0'.repeat(-scale), fraction: '' }
  const padded = digits.padStart(scale + 1, '0')
  return { negative, whole: padded.slice(0, -scale).replace(/^0+/, ''), fraction: padded.slice(-scale) }
}

function shifted(whole: string, fraction: string, places: number): [string, string] {
  if (places >= 0) {
    const moved = fraction.slice(0, places).padEnd(places, '0')
    return [whole + moved, fraction.slice(places)]
  }
  const padded = whole.padStart(-places, '0')
  return [padded.slice(0, padded.length + places), padded.slice(padded.length + places) + fraction]
}

import { type Column, type Encode, misfit } from './column.ts'
import { hashBytes } from './lookup3.ts'

export function encodeBytea(column: Column): Encode {
  return (out, value) => {
    if (!(value instanceof Uint8Array)) throw misfit(column, value, 'a Uint8Array is right')
    out.reserve(4 + value.length)
    const at = out.length + 4
    out.view.setInt32(at - 4, value.length)
    out.bytes.set(value, at)
    out.length = at + value.length
    hashBytes(out.view, at, value.length)
  }
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

export function encodeUuid(column: Column): Encode {
  return (out, value) => {
    if (typeof value !== 'string' || !uuid.test(value))
      throw misfit(column, value, 'text such as 018f3c6e-7b1a-7c3d-9e4f-5a6b7c8d9e0f is right')
    const { view, length } = out
    view.setInt32(length, 16)
    let at = length + 4
    let high = -1
    for (let i = 0; i < value.length; i++) {
      const digit = hexDigit(value.charCodeAt(i))
      if (digit < 0) continue
      if (high < 0) high = digit
      else {
        view.setUint8(at, (high << 4) | digit)
        at += 1
        high = -1
      }
    }
    out.length = at
    hashBytes(view, length + 4, 16)
  }
}

/** −1 for the hyphen, the only other character of a uuid. */
function hexDigit(code: number): number {
  if (code === 45) return -1
  return code <= 57 ? code - 48 : (code | 32) - 87
}

import { type Column, type Encode, misfit } from './column.ts'
import { hashNothing } from './encode-integer.ts'
import { hashTwoWords } from './lookup3.ts'

const wanted = 'a number is right'
const scratch = new DataView(new ArrayBuffer(8))

/** `hashfloat8extended`, also of float4: −0 is 0, and every NaN is one value. */
function hashFloat(value: number): void {
  if (value === 0) {
    hashNothing()
    return
  }
  scratch.setFloat64(0, value, true)
  hashTwoWords(scratch.getInt32(0, true), scratch.getInt32(4, true))
}

export function encodeFloat8(column: Column): Encode {
  return (out, value) => {
    if (typeof value !== 'number') throw misfit(column, value, wanted)
    const { view, length } = out
    view.setInt32(length, 8)
    view.setFloat64(length + 4, value)
    out.length = length + 12
    hashFloat(value)
  }
}

/** The nearest float4 is stored, as the server does for a literal. */
export function encodeFloat4(column: Column): Encode {
  return (out, value) => {
    if (typeof value !== 'number') throw misfit(column, value, wanted)
    const near = Math.fround(value)
    if ((Number.isFinite(value) && !Number.isFinite(near)) || (near === 0 && value !== 0))
      throw misfit(column, value, 'a magnitude of 1e-45 to 3.4e38 is right')
    const { view, length } = out
    view.setInt32(length, 4)
    view.setFloat32(length + 4, value)
    out.length = length + 8
    hashFloat(near)
  }
}

import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { RleBitPacked } from '../../src/files/rle-bit-packed.ts'

type Run = { readonly repeat: number; readonly value: number } | { readonly packed: readonly number[] }

/** As the format says: a varint of the count with the kind in its lowest bit, then the value or the packed bits. */
function encode(runs: readonly Run[], width: number): DataView {
  const bytes: number[] = []
  for (const run of runs) {
    if ('packed' in run) {
      varint(bytes, ((run.packed.length / 8) << 1) | 1)
      let bits = 0n
      for (const [i, value] of run.packed.entries()) bits |= BigInt(value) << BigInt(i * width)
      for (let byte = 0; byte < (run.packed.length / 8) * width; byte++)
        bytes.push(Number((bits >> BigInt(8 * byte)) & 255n))
    } else {
      varint(bytes, run.repeat << 1)
      for (let byte = 0; byte < Math.ceil(width / 8); byte++) bytes.push(Math.floor(run.value / 2 ** (8 * byte)) % 256)
    }
  }
  return new DataView(Uint8Array.from(bytes).buffer)
}

function varint(bytes: number[], value: number): void {
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
  bytes.push(value)
}

const cases = fc.integer({ min: 1, max: 31 }).chain((width) => {
  const value = fc.integer({ min: 0, max: 2 ** width - 1 })
  const run = fc.oneof(
    fc.record({ repeat: fc.integer({ min: 1, max: 300 }), value }),
    fc
      .integer({ min: 1, max: 6 })
      .chain((groups) => fc.array(value, { minLength: groups * 8, maxLength: groups * 8 }))
      .map((packed) => ({ packed })),
  )
  return fc.record({ width: fc.constant(width), runs: fc.array(run, { minLength: 1, maxLength: 6 }) })
})
const steps = fc.array(fc.tuple(fc.constantFrom('read', 'skip', 'count', 'pass'), fc.integer({ min: 0, max: 120 })), {
  maxLength: 20,
})

describe('RleBitPacked', () => {
  test.prop([cases, steps])('gives what was written, however it is read', ({ width, runs }, how) => {
    const values = runs.flatMap((run) =>
      'packed' in run ? [...run.packed] : Array<number>(run.repeat).fill(run.value),
    )
    const reader = new RleBitPacked(encode(runs, width), width)
    let at = 0
    for (const [step, wanted] of [...how, ['read', values.length] as const]) {
      const next = values.slice(at, at + wanted)
      if (next.length === 0) continue
      const [first = 0] = next
      if (step === 'read') {
        const out = new Int32Array(next.length)
        reader.read(out, next.length)
        expect([...out]).toEqual(next)
      } else if (step === 'skip') reader.skip(next.length)
      else if (step === 'count')
        expect(reader.count(first, next.length)).toBe(next.filter((value) => value === first).length)
      else if (!reader.passRun(first, next.length)) continue
      at += next.length
    }
  })
})

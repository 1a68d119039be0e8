// `hash_bytes_extended` of Postgres with seed 0: Bob Jenkins' lookup3 on little-endian 32-bit words (common/hashfn.c).

/** Hash of the last value: [high word, low word] of the signed 64-bit number. One place, so that no call allocates. */
export const hashed = new Int32Array(2)

const start = 0x9e3779b9 + 3923095

export function hashBytes(view: DataView, from: number, length: number): void {
  let a = (start + length) | 0
  let b = a
  let c = a
  let at = from
  let left = length
  while (left >= 12) {
    a = (a + view.getInt32(at, true)) | 0
    b = (b + view.getInt32(at + 4, true)) | 0
    c = (c + view.getInt32(at + 8, true)) | 0
    a = (a - c) ^ ((c << 4) | (c >>> 28))
    c = (c + b) | 0
    b = (b - a) ^ ((a << 6) | (a >>> 26))
    a = (a + c) | 0
    c = (c - b) ^ ((b << 8) | (b >>> 24))
    b = (b + a) | 0
    a = (a - c) ^ ((c << 16) | (c >>> 16))
    c = (c + b) | 0
    b = (b - a) ^ ((a << 19) | (a >>> 13))
    a = (a + c) | 0
    c = (c - b) ^ ((b << 4) | (b >>> 28))
    b = (b + a) | 0
    at += 12
    left -= 12
  }
  if (left >= 8) {
    a = (a + view.getInt32(at, true)) | 0
    b = (b + view.getInt32(at + 4, true)) | 0
    // The lowest byte of the third word is kept for the length.
    c = (c + (tail(view, at + 8, left - 8) << 8)) | 0
  } else if (left >= 4) {
    a = (a + view.getInt32(at, true)) | 0
    b = (b + tail(view, at + 4, left - 4)) | 0
  } else a = (a + tail(view, at, left)) | 0
  finish(a, b, c)
}

/** Hash of eight bytes given as two little-endian words. */
export function hashTwoWords(first: number, second: number): void {
  const begin = (start + 8) | 0
  finish((begin + first) | 0, (begin + second) | 0, begin)
}

/** `hash_bytes_uint32_extended`: integers of up to 32 bits, booleans, dates. */
export function hashInteger(value: number): void {
  const begin = (start + 4) | 0
  finish((begin + value) | 0, begin, begin)
}

/** At most three bytes as a little-endian number. */
function tail(view: DataView, at: number, length: number): number {
  switch (length) {
    case 0:
      return 0
    case 1:
      return view.getUint8(at)
    case 2:
      return view.getUint16(at, true)
    default:
      return view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
  }
}

function finish(first: number, second: number, third: number): void {
  let a = first
  let b = second
  let c = third
  c = ((c ^ b) - ((b << 14) | (b >>> 18))) | 0
  a = ((a ^ c) - ((c << 11) | (c >>> 21))) | 0
  b = ((b ^ a) - ((a << 25) | (a >>> 7))) | 0
  c = ((c ^ b) - ((b << 16) | (b >>> 16))) | 0
  a = ((a ^ c) - ((c << 4) | (c >>> 28))) | 0
  b = ((b ^ a) - ((a << 14) | (a >>> 18))) | 0
  c = ((c ^ b) - ((b << 24) | (b >>> 8))) | 0
  hashed[0] = b
  hashed[1] = c
}

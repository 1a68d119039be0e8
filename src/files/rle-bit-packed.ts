/**
 * Parquet's hybrid of runs and bit-packed groups, read forwards and only as far as asked: definition levels and
 * dictionary indices of a page of any size, without an array for all of them.
 */
export class RleBitPacked {
  readonly #view: DataView
  readonly #width: number
  #at: number
  /** Values left in the current run. */
  #left = 0
  /** The run's value; null when the run is bit-packed. */
  #value: number | null = null
  /** Place of the next value of a bit-packed run, in bits from the start of the view. */
  #bit = 0

  /** `view` begins at the first run; `width` is the number of bits of a value, 0 to 32. */
  constructor(view: DataView, width: number) {
    this.#view = view
    this.#width = width
    this.#at = 0
  }

  /** Sets `out[0]` to `out[count - 1]`. */
  read(out: Int32Array, count: number): void {
    for (let done = 0; done < count; ) {
      const take = this.#take(count - done)
      if (this.#value === null) this.#unpack(out, done, take)
      else out.fill(this.#value, done, done + take)
      this.#advance(take)
      done += take
    }
  }

  /** Passes over `count` values and returns how many of them were `value`. */
  count(value: number, count: number): number {
    let found = 0
    for (let done = 0; done < count; ) {
      const take = this.#take(count - done)
      if (this.#value !== null) found += this.#value === value ? take : 0
      else for (let i = 0; i < take; i++) found += this.#valueAt(this.#bit + i * this.#width) === value ? 1 : 0
      this.#advance(take)
      done += take
    }
    return found
  }

  /** Passes over `count` values without looking at them. */
  skip(count: number): void {
    for (let done = 0; done < count; ) {
      const take = this.#take(count - done)
      this.#advance(take)
      done += take
    }
  }

  /** True when the next `count` values are one run of `value`, which are then passed. */
  passRun(value: number, count: number): boolean {
    this.#take(count)
    if (this.#value !== value || this.#left < count) return false
    this.#advance(count)
    return true
  }

  /** Values of the current run, at most `count`; opens the next run when there are none. */
  #take(count: number): number {
    while (this.#left === 0) this.#openRun()
    return Math.min(count, this.#left)
  }

  #advance(count: number): void {
    this.#left -= count
    if (this.#value === null) this.#bit += count * this.#width
  }

  #openRun(): void {
    if (this.#width === 0) {
      // One dictionary entry needs no bits, so all that follows is one run.
      this.#value = 0
      this.#left = 2 ** 31
      return
    }
    const header = this.#varint()
    if (header % 2 === 1) {
      const groups = (header - 1) / 2
      this.#value = null
      this.#left = groups * 8
      this.#bit = this.#at * 8
      this.#at += groups * this.#width
    } else {
      this.#left = header / 2
      this.#value = 0
      for (let byte = 0; byte < (this.#width + 7) >> 3; byte++)
        this.#value += this.#view.getUint8(this.#at++) * 2 ** (8 * byte)
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#view.getUint8(this.#at++)
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }

  #unpack(out: Int32Array, at: number, count: number): void {
    const [view, width, end] = [this.#view, this.#width, this.#view.byteLength - 4]
    let bit = this.#bit
    if (width > 25) {
      for (let i = 0; i < count; i++, bit += width) out[at + i] = this.#valueAt(bit)
      return
    }
    const mask = (1 << width) - 1
    let i = 0
    for (; i < count && bit >>> 3 <= end; i++, bit += width)
      out[at + i] = (view.getUint32(bit >>> 3, true) >>> (bit & 7)) & mask
    for (; i < count; i++, bit += width) out[at + i] = this.#valueAt(bit)
  }

  #valueAt(bit: number): number {
    let value = 0
    for (let i = 0; i < this.#width; i++) {
      const byte = Math.floor((bit + i) / 8)
      if ((this.#view.getUint8(byte) >> ((bit + i) % 8)) & 1) value += 2 ** i
    }
    return value
  }
}

/**
 * Sum of record hashes, signed 64-bit numbers given as two words: exact, and without a bigint per row. Each word is
 * added up in a double, which holds 2^21 of them exactly; before that many they are folded into a bigint.
 */
export class RecordSum {
  private high = 0
  private low = 0
  private pending = 0
  private folded = 0n

  add(high: number, low: number): void {
    this.high += high
    this.low += low >>> 0
    this.pending += 1
    if (this.pending === 0x10_0000) this.fold()
  }

  /** To an earlier `total`, without what was added since. */
  goBackTo(mark: bigint): void {
    this.fold()
    this.folded = mark
  }

  total(): bigint {
    this.fold()
    return this.folded
  }

  private fold(): void {
    this.folded += (BigInt(this.high) << 32n) + BigInt(this.low)
    this.high = 0
    this.low = 0
    this.pending = 0
  }
}

/** Bytes appended to one block that doubles when it is full. `slack` bytes are always free beyond what was reserved. */
export class GrowingBytes {
  bytes: Buffer
  view: DataView
  length = 0
  private readonly slack: number

  constructor(capacity: number, slack: number) {
    this.slack = slack
    this.bytes = Buffer.allocUnsafeSlow(capacity + slack)
    this.view = viewOf(this.bytes)
  }

  reserve(more: number): void {
    const needed = this.length + more + this.slack
    if (needed > this.bytes.length) this.grow(needed)
  }

  written(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  private grow(needed: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(bytes, 0, 0, this.length)
    this.bytes = bytes
    this.view = viewOf(bytes)
  }
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

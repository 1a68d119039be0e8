/**
 * Whether the group still counts this process as a member, as far as it can know. One that was stopped, or cut off, for
 * longer than its session goes on with lanes that are somebody else's by now, and hears of it with its next heartbeat:
 * whatever it began until then it would take from the worker that has it. Times in ms of a clock that goes on meanwhile.
 */
export class Membership {
  /** Heartbeats that are under way at the same time, and whose answers lay waiting together, are one. */
  static readonly togetherMs = 100
  #answeredMs = Number.NEGATIVE_INFINITY
  #sureFromMs = Number.NEGATIVE_INFINITY

  joined(nowMs: number): void {
    this.#answeredMs = nowMs
    this.#sureFromMs = nowMs
  }

  /** A heartbeat was answered. It may have been long ago: sure is only that it was sent after the one before was answered. */
  heard(nowMs: number): void {
    if (nowMs - this.#answeredMs < Membership.togetherMs) return
    this.#sureFromMs = this.#answeredMs
    this.#answeredMs = nowMs
  }

  /** `limitMs`: for how long the group keeps a member that it does not hear of. */
  isSure(nowMs: number, limitMs: number): boolean {
    return nowMs - this.#sureFromMs < limitMs
  }
}

import { Lane } from '../work/lane.ts'

/** A lane of this member, from the join that assigned it until it is drained or lost. */
export interface Held {
  readonly lane: Lane
  /** Generation it was claimed in; undefined until the claim commit has proved that the group sees us as its holder. */
  claimed: number | undefined
  draining: boolean
  /** Of its notes ahead of their rows, those that were logged. */
  toldLeading: number
}

export interface LaneChanges {
  readonly gained: readonly Held[]
  /** Claimed before and still ours: nothing stops. */
  readonly retained: readonly Held[]
  readonly leaving: readonly Held[]
}

/** The lanes a member holds. What it tells the group about them is what the group withholds from others. */
export class HeldLanes {
  readonly #held = new Map<number, Held>()

  get(topicPartition: number): Held | undefined {
    return this.#held.get(topicPartition)
  }

  /** Compares what is held with what a join assigned; lanes gained are held from now on. */
  reconcile(assigned: ReadonlySet<number>, mayGain: boolean): LaneChanges {
    const gained: Held[] = []
    const retained: Held[] = []
    for (const topicPartition of assigned) {
      const known = this.#held.get(topicPartition)
      if (known?.claimed !== undefined) retained.push(known)
      if (known !== undefined || !mayGain) continue
      const fresh: Held = { lane: new Lane(topicPartition), claimed: undefined, draining: false, toldLeading: 0 }
      this.#held.set(topicPartition, fresh)
      gained.push(fresh)
    }
    const leaving = this.all().filter((h) => !assigned.has(h.lane.topicPartition) && !h.draining)
    return { gained, retained, leaving }
  }

  /** The same hold, not another one of the same topic partition. */
  isHeld(h: Held): boolean {
    return this.#held.get(h.lane.topicPartition) === h
  }

  all(): Held[] {
    return [...this.#held.values()]
  }

  /** Lanes that are worked on. */
  working(): Lane[] {
    return this.all()
      .filter((h) => h.claimed !== undefined && !h.draining)
      .map((h) => h.lane)
  }

  /** Lanes whose notes turned out to be ahead of the checkpoint rows since the last call. */
  leading(): Lane[] {
    const news = this.all().filter((h) => h.lane.leadingNotes > h.toldLeading)
    for (const h of news) h.toldLeading = h.lane.leadingNotes
    return news.map((h) => h.lane)
  }

  drop(h: Held): void {
    if (this.isHeld(h)) this.#held.delete(h.lane.topicPartition)
  }

  dropAll(): Lane[] {
    const lanes = this.all().map((h) => h.lane)
    this.#held.clear()
    return lanes
  }

  /** Generation of the claim by topic partition; a lane not yet claimed counts as newest. */
  claims(): Record<string, number> {
    return Object.fromEntries([...this.#held].map(([p, h]) => [p, h.claimed ?? Number.MAX_SAFE_INTEGER]))
  }
}

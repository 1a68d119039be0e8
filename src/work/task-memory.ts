import type { Checkpoint } from '../contract/checkpoint.ts'
import type { Failure } from '../sink/sink.ts'
import { grown } from './chunk-size.ts'
import { type FailuresHere, noFailures } from './retry.ts'

/** What a worker remembers of a task while it holds the lane, from try to try. Lost with the process, and then begun anew. */
export class TaskMemory {
  /** Undefined: nothing has failed since the partition last got on. */
  here: FailuresHere | undefined
  /** Rows a chunk may have; undefined: what the definition says. */
  chunkRows: number | undefined
  /** How long its holds have lasted. */
  workedMs = 0
  /** Rows that were in hand at the last failure. */
  sample: readonly string[] = []
  /** A COMMIT was sent and its answer never came: until the next claim a chunk may still be written. */
  isInDoubt = false
  /** It has failed for good, and that is not written down yet. */
  verdict: Failure | undefined
  #reached = -1

  /** A chunk was committed, or it was claimed and stands where it stood. */
  advanced({ sequence }: Checkpoint, limit: number): void {
    if (sequence > this.#reached && this.#reached >= 0) {
      // Progress: earlier failures are no sign that this place cannot be passed.
      this.here = undefined
      this.sample = []
      if (this.chunkRows !== undefined) this.chunkRows = grown(this.chunkRows, limit)
      if (this.chunkRows === limit) this.chunkRows = undefined
    }
    this.#reached = Math.max(this.#reached, sequence)
  }

  failuresHere(limit: number): FailuresHere {
    return this.here ?? noFailures(this.chunkRows ?? limit)
  }
}

import type { DeadLetterMessage } from '../contract/dead-letter.ts'
import type { StatusEvent } from '../contract/status.ts'

/** Where facts are told. Resolves when every in-sync replica has them; telling a fact again is harmless. */
export interface StatusLog {
  publish(events: readonly StatusEvent[]): Promise<void>
}

/** Where what will not be tried again is kept for a person. */
export interface DeadLetterLog {
  publish(letters: readonly DeadLetterMessage[]): Promise<void>
}

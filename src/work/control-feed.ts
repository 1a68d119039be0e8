import type { ControlMessage } from '../contract/control.ts'
import type { RunId } from '../contract/ids.ts'

/** The control topic, whole, from its beginning and on. */
export interface ControlFeed extends AsyncIterable<ControlMessage | { readonly ended: RunId }> {
  /** Resolves when everything that stood in the topic at the start was handed over, and the next was asked for. */
  readonly caughtUp: Promise<void>
}

/** Ends when the signal aborts. Throws RetryableError when the topic cannot be read. */
export type OpenControlFeed = (signal: AbortSignal) => Promise<ControlFeed>

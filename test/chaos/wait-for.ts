import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from './processes.ts'

export const harmWithinMs = 45_000

/** The part stands at its mark. */
export const held = (part: Part, mark: string): Promise<void> => within(`${mark} is passed`, part.holds)

/** Rejects when the promise has not resolved after `harmWithinMs`. */
export async function within(what: string, promise: Promise<void>): Promise<void> {
  const ended = new AbortController()
  const late = sleep(harmWithinMs, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`timed out after ${harmWithinMs} ms waiting for: ${what}`)
  })
  try {
    await Promise.race([promise, late])
  } finally {
    ended.abort()
    late.catch(() => {})
  }
}

/** Polls until it is so; rejects after `harmWithinMs`. */
export async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + harmWithinMs
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`timed out after ${harmWithinMs} ms waiting for: ${what}`)
    await sleep(50)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../contract/errors.ts'

export interface Waiting {
  readonly signal: AbortSignal
  readonly timeoutMs?: number
  /** Why waiting is in vain; looked at before every probe. */
  readonly inVain?: () => string | undefined
}

/** Resolves when `probe` does, asked every 50 ms. Rejects at an abort, when it is in vain, and after a minute. */
export async function untilReady(name: string, probe: () => Promise<void>, waiting: Waiting): Promise<void> {
  const { signal, timeoutMs = 60_000, inVain } = waiting
  for (const deadline = Date.now() + timeoutMs; ; await sleep(50, undefined, { signal })) {
    signal.throwIfAborted()
    const why = inVain?.()
    if (why !== undefined) throw new Error(`${name} ${why}`)
    try {
      return await probe()
    } catch (error) {
      if (Date.now() < deadline) continue
      throw new Error(`${name} was not ready after ${timeoutMs} ms: ${messageOf(error)}`, { cause: error })
    }
  }
}

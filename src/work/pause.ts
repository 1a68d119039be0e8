import { setTimeout as wait } from 'node:timers/promises'

/** Waits, or until the signal aborts; resolves in either case. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => {})
}

import { EndedWith, exitCodes } from '../exit-code.ts'

export interface Within {
  /** Somebody asks to stop: the wait ends with EndedWith (interrupted). */
  readonly stop: AbortSignal
  /** What a person who stopped should know. */
  readonly stopped: string
  /** As long as it takes, unless given. */
  readonly limitMs?: number
  /** What passing the limit means. */
  readonly late?: () => Error
}

/** The result of `work`, unless somebody asks to stop or the limit passes first. The work itself goes on. */
export async function within<T>(work: Promise<T>, { stop, stopped, limitMs, late }: Within): Promise<T> {
  const settled = new AbortController()
  const cut = new Promise<never>((_, reject) => {
    const onStop = (): void => reject(new EndedWith(exitCodes.interrupted, stopped))
    if (stop.aborted) onStop()
    else stop.addEventListener('abort', onStop, { once: true, signal: settled.signal })
    if (limitMs === undefined) return
    const timer = setTimeout(() => reject(late?.() ?? new Error(`nothing came within ${limitMs} ms`)), limitMs)
    settled.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
  try {
    return await Promise.race([work, cut])
  } finally {
    settled.abort()
  }
}

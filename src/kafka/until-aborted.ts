/** `work`, or the signal's reason as soon as it aborts; then the late outcome of the work is nobody's. */
export async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  work.catch(() => {})
  signal.throwIfAborted()
  const ended = Promise.withResolvers<void>()
  const stop = (): void => ended.resolve()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([work, ended.promise])
    signal.throwIfAborted()
    return await work
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

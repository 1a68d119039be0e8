/** npm passes Ctrl-C on to a process that got it from the terminal as well: what comes this close is one signal. */
const sameSignalMs = 1_000
const lookAtParentEveryMs = 500

export interface StopSignals {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly stop: AbortSignal
}

/** Whether a signal is the echo of the one before, rather than a person who will not wait. */
export function isEcho(firstMs: number, nowMs: number): boolean {
  return nowMs - firstMs < sameSignalMs
}

/**
 * Turns signals into a stop request. The first asks; one that comes after the echo window means "at once".
 * Not `close-with-grace` (2.5): every second signal ends the process there, the echo of Ctrl-C under npm too, it takes no
 * news of npx, and it exits by itself, which only main.ts may.
 * A role kept by a parent (`kept`) leaves Ctrl-C to it: the terminal sends that to both, and the parent stops in order.
 */
export function listenForSignals(
  self: NodeJS.Process,
  kept: boolean,
  atOnce: (signal: NodeJS.Signals) => void,
): StopSignals {
  const stop = new AbortController()
  let firstMs: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (kept && signal !== 'SIGTERM') return
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      stop.abort(signal)
    } else if (!isEcho(firstMs, nowMs)) atOnce(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) self.on(signal, onSignal)
  if (!kept && isStartedByNpx(self.env)) whenParentEnds(self, () => onSignal('SIGTERM'))
  return { stop: stop.signal }
}

/** Whether `npx tidemark …` is what was typed; what it starts in turn has the same variables, but is kept. */
export function isStartedByNpx(env: NodeJS.ProcessEnv): boolean {
  return env['npm_lifecycle_event'] === 'npx' && /^['"]?tidemark['"]?$/.test(env['npm_lifecycle_script'] ?? '')
}

/** SIGTERM ends npx and the shell between it and this process, which passes no signal on: nobody could stop this process then. */
function whenParentEnds(self: NodeJS.Process, ended: () => void): void {
  const parent = self.ppid
  const timer = setInterval(() => {
    if (self.ppid === parent) return
    clearInterval(timer)
    ended()
  }, lookAtParentEveryMs)
  timer.unref()
}

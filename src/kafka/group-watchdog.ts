/** What a member is doing, as far as its consumer tells. */
export type Phase = 'joining' | 'stable' | 'rebalancing' | 'stopped'

/**
 * How long a member may be silent in a phase before it counts as stuck; undefined where silence says nothing.
 * A JoinGroup that is never answered, or a heartbeat loop that ended, shows in nothing else (kafkajs 2.2.4).
 */
export function silenceLimitMs(phase: Phase, sessionTimeoutMs: number, rebalanceTimeoutMs: number): number | undefined {
  switch (phase) {
    case 'rebalancing':
      return Math.max(sessionTimeoutMs, rebalanceTimeoutMs) + 10_000
    case 'stable':
      // A member that was removed joins again without a word: its join may wait for as long as any other.
      return Math.max((sessionTimeoutMs * 2) / 3, rebalanceTimeoutMs + 2_000)
    case 'joining':
    case 'stopped':
      return undefined
  }
}

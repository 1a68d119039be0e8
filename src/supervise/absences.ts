/** What is known of a presence: since when it is missing, by the clock of whoever looks; null: it is there. */
export type Absence = { readonly sinceMs: number; readonly isDoubtful: boolean } | null

/** A worker that lost its connection is back before; and one that a process manager starts again, which keeps its lanes. */
const patienceMs = 3_000
/** By then its session has ended, or it cannot be taken out of the group: nobody is looked for any longer. */
const lookedForMs = 60_000
/** After a server was away everybody comes back in their own time. */
const doubtfulPatienceMs = 8_000

/**
 * Carries on since when each is missing that was there once. What is missing is doubtful when the look before failed, or
 * nobody is there: then the server may have lost sight of all of them.
 */
export function absencesSince(
  before: ReadonlyMap<string, Absence>,
  present: ReadonlySet<string>,
  hadFailed: boolean,
  nowMs: number,
): Map<string, Absence> {
  const missing = [...before.keys()].filter((key) => !present.has(key))
  const isDoubtful = hadFailed || missing.length === before.size
  return new Map<string, Absence>([
    ...[...present].map((key): [string, Absence] => [key, null]),
    ...missing.flatMap((key): [string, Absence][] => {
      const absence = before.get(key) ?? { sinceMs: nowMs, isDoubtful }
      return nowMs - absence.sinceMs < lookedForMs ? [[key, absence]] : []
    }),
  ])
}

/** Those that have been missing for so long that they do not come back by themselves. */
export const longAbsent = (absences: ReadonlyMap<string, Absence>, nowMs: number): ReadonlySet<string> =>
  new Set(
    [...absences].flatMap(([key, absence]) => {
      if (absence === null) return []
      const { sinceMs, isDoubtful } = absence
      return nowMs - sinceMs >= (isDoubtful ? doubtfulPatienceMs : patienceMs) ? [key] : []
    }),
  )

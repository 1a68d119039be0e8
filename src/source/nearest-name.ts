/** The name most like the one asked for, or null when none is near: at most a third of its letters differ. */
export function nearestName(asked: string, names: readonly string[]): string | null {
  let [nearest, least]: [string | null, number] = [null, Math.max(1, Math.floor(asked.length / 3)) + 1]
  for (const name of names) {
    const distance = editDistance(asked.toLowerCase(), name.toLowerCase())
    if (distance < least) [nearest, least] = [name, distance]
  }
  return nearest
}

/** The end of a message about a name that is missing: the nearest one, else all there are. */
export function insteadOf(asked: string, names: readonly string[]): string {
  const nearest = nearestName(asked, names)
  return nearest === null ? `there are ${names.join(', ')}` : `did you mean "${nearest}"?`
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row[b.length] ?? 0
}

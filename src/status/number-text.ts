const grouped = new Intl.NumberFormat('en-US')

export const countText = (count: number): string => grouped.format(count)

/** 850ms, 12.3s, 4m 05s, 2h 07m: as long as it matters to a person who waits. */
export function durationText(durationMs: number | null): string {
  if (durationMs === null) return '–'
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)}s`
  const seconds = Math.round(durationMs / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)]
  const two = (part: number): string => String(part).padStart(2, '0')
  return hours > 0 ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(seconds % 60)}s`
}

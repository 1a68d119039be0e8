import { durationText } from '../status/number-text.ts'
import { rowsText, type TimelineLine, timesText } from './timeline.ts'

/** Lines that are shown as one. */
export interface FoldedLines {
  readonly lines: number
  readonly text: string
}

/** Shown of a row of chunks before and after what is folded, and of all that remains. */
const [firstChunks, lastChunks] = [3, 2]
const mostShown = 60

/** What a person reads of a long timeline: the middle of a long row of chunks as one line, then of all lines. */
export function foldTimeline(lines: readonly TimelineLine[]): readonly (TimelineLine | FoldedLines)[] {
  const shown: (TimelineLine | FoldedLines)[] = []
  for (let at = 0, end = 0; at < lines.length; at = end) {
    while (isChunk(lines[end])) end += 1
    if (end === at) end += 1
    const [from, to] = [at + firstChunks, end - lastChunks]
    if (to - from > 1)
      shown.push(...lines.slice(at, from), chunksFolded(lines.slice(from, to)), ...lines.slice(to, end))
    else shown.push(...lines.slice(at, end))
  }
  if (shown.length <= mostShown) return shown
  const half = mostShown / 2
  const middle = shown.slice(half, -half)
  const count = middle.reduce((sum, line) => sum + ('lines' in line ? line.lines : 1), 0)
  return [
    ...shown.slice(0, half),
    { lines: count, text: `${timesText(count, 'line')} more, which --json has` },
    ...shown.slice(-half),
  ]
}

const isChunk = (line: TimelineLine | undefined): boolean => line !== undefined && line.chunkRows !== null

/** 480 chunks, 2,400,000 rows, 31.0s */
function chunksFolded(lines: readonly TimelineLine[]): FoldedLines {
  const rows = lines.reduce((sum, { chunkRows }) => sum + (chunkRows ?? 0), 0)
  const ms = lines.reduce((sum, { sinceMs }) => sum + (sinceMs ?? 0), 0)
  return { lines: lines.length, text: `${timesText(lines.length, 'chunk')}, ${rowsText(rows)}, ${durationText(ms)}` }
}

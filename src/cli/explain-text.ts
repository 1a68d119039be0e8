import type { Explanation } from '../compose.ts'
import { foldTimeline } from '../explain/fold-timeline.ts'
import { countText, durationText } from '../status/number-text.ts'

/** What happened to a partition, for a person: why it is where it is, then what happened, the middle of it folded. */
export function explanationText(explanation: Explanation): string {
  const { partitionId, runId, index, backfill, state, planned, why, timeline } = explanation
  const lines = [`partition ${index} of run ${runId} (${backfill}): ${state}`, `  id     ${partitionId}`]
  if (planned !== null) {
    const { range, estimatedRows } = planned
    const rows = estimatedRows === null ? '' : `, about ${countText(estimatedRows)} rows`
    lines.push(`  range  from ${range.from} to before ${range.to}${rows}`)
  }
  lines.push('', 'why')
  for (const { text, remedy } of why) {
    lines.push(`  ${text}`)
    if (remedy !== null) lines.push(`    → ${remedy}`)
  }
  lines.push('', 'what happened')
  if (timeline.length === 0) lines.push('  nothing was told of it yet')
  for (const line of foldTimeline(timeline))
    if ('lines' in line) lines.push(`  … ${line.text} …`)
    else lines.push(`  ${instantText(line.at)}  ${sinceText(line.sinceMs).padStart(9)}  ${line.text}`)
  return lines.join('\n')
}

/** Milliseconds are enough for a person. */
const instantText = (at: string): string => at.replace(/(\.\d{3})\d*Z$/, '$1Z')
const sinceText = (sinceMs: number | null): string => (sinceMs === null ? '' : `+${durationText(sinceMs)}`)

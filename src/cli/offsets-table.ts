import Table from 'cli-table3'
import type { GroupOffsets } from '../compose.ts'
import { linesOf, plain } from './plain-table.ts'
import { countText } from './run/progress-text.ts'

type LaneOffsets = GroupOffsets['lanes'][number]

/** Every lane of a group, then the tasks of their windows, then what could not be read. */
export function offsetsTable({ group, topic, lanes }: GroupOffsets): string {
  const blocks = [
    `group ${group} on ${topic}`,
    plainTable(
      ['lane', 'committed', 'end', 'lag', 'running', 'finished', 'waiting'],
      lanes.map((lane) => [
        String(lane.topicPartition),
        lane.committedOffset ?? 'none',
        lane.endOffset,
        countText(lane.lag),
        ...(['running', 'finished', 'waiting'] as const).map((state) => countOf(lane, state)),
      ]),
    ),
  ]
  const tasks = lanes.flatMap((lane) => lane.tasks.map((task) => ({ lane, task })))
  if (tasks.length > 0)
    blocks.push(
      plainTable(
        ['lane', 'offset', 'state', 'epoch', 'chunks', 'rows', 'content hash', 'cursor'],
        tasks.map(({ lane: { topicPartition }, task: { offset, state, progress } }) => [
          String(topicPartition),
          offset,
          state,
          ...(progress === null
            ? ['', '', '', '', '']
            : [
                String(progress.epoch),
                countText(progress.sequence),
                countText(progress.rows),
                progress.contentHash,
                progress.cursor ?? '',
              ]),
        ]),
      ),
    )
  for (const { topicPartition, committedOffset, unreadableText } of lanes)
    if (unreadableText !== null)
      blocks.push(
        `lane ${topicPartition}: the metadata of offset ${committedOffset} is foreign, broken or newer and counts as none: ` +
          JSON.stringify(unreadableText.slice(0, 80)),
      )
  return blocks.join('\n\n')
}

const countOf = (lane: LaneOffsets, state: LaneOffsets['tasks'][number]['state']): string =>
  lane.metadata === 'readable' ? countText(lane.tasks.filter((task) => task.state === state).length) : lane.metadata

function plainTable(head: string[], rows: readonly string[][]): string {
  const table = new Table({ ...plain, head })
  table.push(...rows)
  return linesOf(table)
}

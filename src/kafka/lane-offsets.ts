import type { Admin } from 'kafkajs'
import { TerminalError } from '../contract/errors.ts'
import { decodeOffsetMetadata, type TaskProgress } from '../work/offset-metadata.ts'

/** One task of a lane's window, as the offset's metadata has it. */
export interface WindowTask {
  readonly offset: string
  /** `waiting`: taken from the topic, and nothing is noted of it. */
  readonly state: 'finished' | 'running' | 'waiting'
  /** Null where nothing is known; its cursor is null before the first row, and where it was left out for want of room. */
  readonly progress: (Omit<TaskProgress, 'cursor'> & { readonly cursor: string | null }) | null
}

/** Where a group stands on one topic partition of the task topic. */
export interface LaneOffsets {
  readonly topicPartition: number
  /** Null: the group has committed none. */
  readonly committedOffset: string | null
  readonly endOffset: string
  /** Records from the committed offset, or the first there is, to the end. */
  readonly lag: number
  readonly metadata: 'none' | 'readable' | 'unreadable'
  /** What stands there when it cannot be read: foreign, broken or written by a newer version. */
  readonly unreadableText: string | null
  readonly tasks: readonly WindowTask[]
}

/** Every lane with what is committed for it. Throws TerminalError (NOT_FOUND) when the group has committed nothing on the topic. */
export async function laneOffsets(admin: Admin, groupId: string, topic: string): Promise<readonly LaneOffsets[]> {
  const [committed, ends] = await Promise.all([
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
  ])
  const known = new Map(
    (committed[0]?.partitions ?? [])
      .filter(({ offset }) => Number(offset) >= 0)
      .map((entry) => [entry.partition, entry]),
  )
  if (known.size === 0)
    throw new TerminalError(
      'NOT_FOUND',
      `group "${groupId}" has committed no offset on ${topic}; "--group" names another, and a worker has to have run`,
    )
  return ends
    .map(({ partition, low, high }) => laneOf(partition, low, high, known.get(partition)))
    .sort((a, b) => a.topicPartition - b.topicPartition)
}

function laneOf(
  topicPartition: number,
  low: string,
  endOffset: string,
  entry: { readonly offset: string; readonly metadata: string | null } | undefined,
): LaneOffsets {
  const lag = Number(BigInt(endOffset) - BigInt(entry?.offset ?? low))
  const common = { topicPartition, committedOffset: entry?.offset ?? null, endOffset, lag }
  const text = entry?.metadata ?? ''
  if (entry === undefined || text === '') return { ...common, metadata: 'none', unreadableText: null, tasks: [] }
  const window = decodeOffsetMetadata(text)
  if (window === undefined) return { ...common, metadata: 'unreadable', unreadableText: text, tasks: [] }
  const offsetAt = (delta: number): string => (BigInt(entry.offset) + BigInt(delta)).toString()
  const tasks = new Map<number, WindowTask>()
  // No further than the topic: a text of somebody else may claim a window of any length.
  for (let delta = 0; delta < Math.min(window.taken, lag); delta += 1)
    tasks.set(delta, { offset: offsetAt(delta), state: 'waiting', progress: null })
  for (const { delta, state, progress } of window.tasks)
    tasks.set(delta, {
      offset: offsetAt(delta),
      state,
      progress: progress === undefined ? null : { ...progress, cursor: progress.cursor ?? null },
    })
  const inOrder = [...tasks].sort(([a], [b]) => a - b).map(([, task]) => task)
  return { ...common, metadata: 'readable', unreadableText: null, tasks: inOrder }
}

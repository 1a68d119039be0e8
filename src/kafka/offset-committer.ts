import type { Consumer } from 'kafkajs'
import { messageOf } from '../contract/errors.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Lane } from '../work/lane.ts'
import { encodeOffsetMetadata } from '../work/offset-metadata.ts'
import type { CommittedPlace } from './committed-places.ts'

export interface OffsetCommitterDeps {
  readonly consumer: Consumer
  readonly topic: string
  /** True while this member is in a stable group and holds the lane: a broker accepts commits from anybody else just as well. */
  mayCommit(lane: Lane): boolean
  readonly mark?: Mark | undefined
  readonly log: Log
}

export interface OffsetCommitter {
  /**
   * Commits again what is committed. Only a commit that went out with a generation proves that the group sees us as a
   * member: returns that, or undefined when none did (kafkajs resolves in silence once it is stopping).
   */
  claim(places: readonly CommittedPlace[]): Promise<number | undefined>
  /** Commits what changed in these lanes. At most one commit is on its way: kafkajs may reorder. False when it failed. */
  commit(lanes: readonly Lane[]): Promise<boolean>
}

/**
 * The only writer of worker offsets. Offset N, with the checkpoints of the lane's window as its metadata, while the
 * task at N runs; beyond it when its terminal row was read and the event acknowledged.
 */
export function createOffsetCommitter({ consumer, topic, mayCommit, mark, log }: OffsetCommitterDeps): OffsetCommitter {
  let last: Promise<boolean> = Promise.resolve(true)

  const send = async (lanes: readonly Lane[]): Promise<boolean> => {
    const ready = lanes.filter((lane) => lane.dirty && mayCommit(lane))
    if (ready.length === 0) return true
    const offsets = ready.map((lane) => ({
      topic,
      partition: lane.topicPartition,
      offset: lane.base.toString(),
      metadata: encodeOffsetMetadata(lane.notes()),
    }))
    for (const lane of ready) lane.dirty = false
    try {
      await Promise.all([consumer.commitOffsets(offsets), mark?.('W10')])
      await mark?.('W11')
      return true
    } catch (error) {
      for (const lane of ready) lane.dirty = true
      log.info(
        { error: messageOf(error), lanes: ready.length },
        'offsets not committed yet; the checkpoint rows have it all',
      )
      return false
    }
  }
  const claim = async (places: readonly CommittedPlace[]): Promise<number | undefined> => {
    let generation: number | undefined
    const off = consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      const sent = Number(payload.groupGenerationId)
      if (sent >= 0) generation = sent
    })
    try {
      await consumer.commitOffsets(
        places.map(({ topicPartition, offset, metadata }) => ({
          topic,
          partition: topicPartition,
          offset,
          metadata: metadata === '' ? null : metadata,
        })),
      )
    } finally {
      off()
    }
    return generation
  }
  return {
    claim: (places) => {
      const claiming = last.then(() => claim(places))
      last = claiming.then(
        () => true,
        () => false,
      )
      return claiming
    },
    commit: (lanes) => {
      last = last.then(() => send(lanes))
      return last
    },
  }
}

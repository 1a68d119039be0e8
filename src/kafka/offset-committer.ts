import type { Consumer } from 'kafkajs'
import { messageOf } from '../contract/errors.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Lane } from '../work/lane.ts'
import { encodeOffsetMetadata, metadataLimit } from '../work/offset-metadata.ts'
import type { EnterStage } from '../work/stage-watch.ts'
import type { CommittedPlace } from './committed-places.ts'

export interface OffsetCommitterDeps {
  readonly consumer: Consumer
  readonly topic: string
  /** True while this member is in a stable group and holds the lane: a broker accepts commits from anybody else just as well. */
  mayCommit(lane: Lane): boolean
  readonly enterStage: EnterStage
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
  /** The same at once or not at all: for the moment before a join, which ends when the caller's listener returns. */
  flush(lanes: readonly Lane[]): void
}

/**
 * The only writer of worker offsets. Offset N, with the checkpoints of the lane's window as its metadata, while the
 * task at N runs; beyond it when its terminal row was read and the event acknowledged.
 */
export function createOffsetCommitter(deps: OffsetCommitterDeps): OffsetCommitter {
  const { consumer, topic, mayCommit, mark, log } = deps
  let onItsWay: Promise<unknown> | undefined

  /** The lanes whose text fits. What does not fit is not committed: the last commit stays valid, an empty one would erase it. */
  const committable = (lanes: readonly Lane[]): { lane: Lane; offset: string; metadata: string }[] => {
    const ready: { lane: Lane; offset: string; metadata: string }[] = []
    for (const lane of lanes) {
      if (!lane.dirty || !mayCommit(lane)) continue
      const { text, crowded } = encodeOffsetMetadata(lane.notes())
      lane.crowded = crowded
      if (text !== undefined) ready.push({ lane, offset: lane.base.toString(), metadata: text })
      else
        log.error(
          { topicPartition: lane.topicPartition, window: lane.window },
          `the tasks finished above offset ${lane.base} do not fit into ${metadataLimit} characters: nothing is ` +
            'committed for this lane until the task at that offset ends',
        )
    }
    return ready
  }

  const send = async (lanes: readonly Lane[]): Promise<boolean> => {
    const ready = committable(lanes)
    if (ready.length === 0) return true
    for (const { lane } of ready) lane.dirty = false
    const leave = deps.enterStage('commit', `offsets of ${ready.length} lanes`)
    try {
      const offsets = ready.map(({ lane, ...entry }) => ({ topic, partition: lane.topicPartition, ...entry }))
      await Promise.all([consumer.commitOffsets(offsets), mark?.('W10')])
      await mark?.('W11')
      return true
    } catch (error) {
      for (const { lane } of ready) lane.dirty = true
      log.info(
        { error: messageOf(error), lanes: ready.length },
        'offsets not committed yet; the checkpoint rows have it all',
      )
      return false
    } finally {
      leave()
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

  /** Begins at once when nothing is on its way, else when that has ended. */
  const next = <T>(act: () => Promise<T>): Promise<T> => {
    const acting = onItsWay === undefined ? act() : onItsWay.then(act)
    const settled = acting.then(
      () => {},
      () => {},
    )
    onItsWay = settled
    void settled.then(() => {
      if (onItsWay === settled) onItsWay = undefined
    })
    return acting
  }

  return {
    claim: (places) => next(() => claim(places)),
    commit: (lanes) => next(() => send(lanes)),
    flush: (lanes) => {
      if (onItsWay === undefined) void next(() => send(lanes))
    },
  }
}

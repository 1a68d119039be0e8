import type { Consumer, EachBatchHandler } from 'kafkajs'
import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { DeadLetterLog } from '../status/status-log.ts'
import { unreadable } from '../status/unreadable.ts'
import type { Lane } from '../work/lane.ts'
import { pause } from '../work/pause.ts'
import { readTask } from '../work/read-task.ts'
import type { Codec } from './codec.ts'
import type { HeldLanes } from './held-lanes.ts'
import { incomingRecord } from './incoming-record.ts'

export interface TakeRecordsDeps {
  readonly consumer: Consumer
  readonly topic: string
  readonly codec: Codec
  readonly lanes: HeldLanes
  readonly deadLetters: DeadLetterLog
  /** Whether somebody was ever given this run. Throws RetryableError when that cannot be known now. */
  knowsRun(this: void, runId: RunId): Promise<boolean>
  hasRoom(this: void, lane: Lane): boolean
  arrived(this: void): void
  readonly ended: AbortSignal
  readonly mark?: Mark | undefined
  readonly log: Log
}

/** How long a lane whose next record cannot be read now, for want of a registry or a broker, is left alone. */
const tryAgainMs = 1_000

/**
 * Puts what a fetch delivered into the lanes and returns: no work is done here, or heartbeats would stop. What a lane
 * has no room for is not resolved, and comes again from its position when the lane is resumed.
 */
export function recordTaker(deps: TakeRecordsDeps): EachBatchHandler {
  const { consumer, topic, codec, lanes, deadLetters, knowsRun, ended, log } = deps

  const take = async (
    lane: Lane,
    topicPartition: number,
    message: Parameters<typeof incomingRecord>[2],
  ): Promise<void> => {
    const offset = BigInt(message.offset)
    const record = incomingRecord(topic, topicPartition, message, codec)
    try {
      const task = readTask(await record.json())
      if (!(await knowsRun(task.runId))) throw runUnknown(task)
      const foreign = lane.foreignNotes
      lane.offer(offset, task)
      if (lane.foreignNotes > foreign)
        log.warn(
          { topicPartition, offset: message.offset, partitionId: task.partitionId, foreign: lane.foreignNotes },
          'offset metadata speaks of another task at this offset: it counts as none, the task runs',
        )
    } catch (error) {
      if (error instanceof RetryableError) throw error
      // A dead letter first, then the offset may pass: a message nobody can read must not be lost either.
      log.error({ topicPartition, offset: message.offset, error: messageOf(error) }, 'not a task: to the dead letters')
      await deadLetters.publish([unreadable(record, error, new Date())])
      lane.pass(offset)
    }
  }

  /** Without the pause the same record would be fetched again at once, for as long as the outage lasts. */
  const leaveAlone = async (lane: Lane): Promise<void> => {
    const partitions = [lane.topicPartition]
    consumer.pause([{ topic, partitions }])
    await pause(tryAgainMs, ended)
    const held = lanes.get(lane.topicPartition)
    if (held?.lane === lane && !held.draining && !ended.aborted) consumer.resume([{ topic, partitions }])
  }

  return async ({ batch, resolveOffset }) => {
    const held = lanes.get(batch.partition)
    if (held?.claimed === undefined || held.draining) return
    await deps.mark?.('W0')
    const { lane } = held
    for (const message of batch.messages) {
      const offset = BigInt(message.offset)
      if (offset >= lane.position) {
        if (!deps.hasRoom(lane)) {
          consumer.pause([{ topic, partitions: [batch.partition] }])
          break
        }
        try {
          await take(lane, batch.partition, message)
        } catch (error) {
          log.warn({ error: messageOf(error) }, 'record not taken yet: it comes again')
          void leaveAlone(lane)
          break
        }
      }
      resolveOffset(message.offset)
    }
    deps.arrived()
  }
}

/** Of another system that shares the topic, or of a control database that was lost: nobody would ever look at its rows. */
const runUnknown = ({ runId, partitionId, backfill }: TaskMessage): TerminalError =>
  new TerminalError(
    'MESSAGE_INVALID',
    `no run ${runId} is known for partition ${partitionId} of backfill "${backfill}": do DATABASE_URL, TIDEMARK_SCHEMA ` +
      'and TIDEMARK_TOPIC_PREFIX of this worker name the system whose planner published it?',
  )

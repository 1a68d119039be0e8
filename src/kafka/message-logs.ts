import type { DeadLetterMessage } from '../contract/dead-letter.ts'
import type { RequestMessageInput } from '../contract/request.ts'
import { statusIdentity, statusKey } from '../contract/status.ts'
import type { ControlLog } from '../plan/control-log.ts'
import type { TaskLog } from '../plan/task-log.ts'
import type { DeadLetterLog, StatusLog } from '../status/status-log.ts'
import { eventHeaders } from './cloud-event.ts'
import type { Codec } from './codec.ts'
import type { OutgoingRecord, RecordProducer } from './producer.ts'
import { topicName } from './topic-catalog.ts'

export interface MessageLogDeps {
  readonly producer: RecordProducer
  readonly codec: Codec
  readonly topicPrefix: string
  /** Who tells: worker/worker-1. */
  readonly source: string
}

export function createStatusLog({ producer, codec, topicPrefix, source }: MessageLogDeps): StatusLog {
  const topic = topicName(topicPrefix, 'status')
  return {
    publish: async (events) => {
      const records = await Promise.all(
        events.map(async (event): Promise<OutgoingRecord> => {
          const key = statusKey(event)
          const headers = eventHeaders({
            identity: statusIdentity(event),
            type: event.type,
            source,
            subject: key,
            time: event.at,
            contentType: codec.contentType,
            runId: 'runId' in event ? event.runId : undefined,
          })
          return { key, value: await codec.encode(topic, event), headers }
        }),
      )
      await producer.send(topic, records)
    },
  }
}

export function createTaskLog({ producer, codec, topicPrefix, source }: MessageLogDeps): TaskLog {
  const topic = topicName(topicPrefix, 'tasks')
  return {
    publish: async (tasks) => {
      const records = await Promise.all(
        tasks.map(async (task): Promise<OutgoingRecord> => {
          const headers = eventHeaders({
            identity: ['task', task.partitionId, task.reason, task.publishedAt].join('|'),
            type: `task.${task.reason}`,
            source,
            subject: task.partitionId,
            time: task.publishedAt,
            contentType: codec.contentType,
            runId: task.runId,
          })
          return { key: task.partitionId, value: await codec.encode(topic, task), headers }
        }),
      )
      await producer.send(topic, records)
    },
  }
}

export function createControlLog({ producer, codec, topicPrefix, source }: MessageLogDeps): ControlLog {
  const topic = topicName(topicPrefix, 'control')
  return {
    publish: async (message) => {
      const headers = eventHeaders({
        identity: ['control', message.runId, message.sequence].join('|'),
        type: `control.${message.intent}`,
        source,
        subject: message.runId,
        time: message.at,
        contentType: codec.contentType,
        runId: message.runId,
      })
      await producer.send(topic, [{ key: message.runId, value: await codec.encode(topic, message), headers }])
    },
    clear: (runId) => producer.send(topic, [{ key: runId, value: null, headers: {} }]),
  }
}

/** A failed partition is the same fact wherever its task stood; a message is known by its place. */
const letterIdentity = ({ partitionId, failed, topic, topicPartition, offset }: DeadLetterMessage): string =>
  (failed === null
    ? ['dead-letter', topic, topicPartition, offset]
    : ['dead-letter', partitionId, failed.epoch, failed.sequence]
  ).join('|')

export function createDeadLetterLog({ producer, codec, topicPrefix, source }: MessageLogDeps): DeadLetterLog {
  const topic = topicName(topicPrefix, 'dead-letters')
  return {
    publish: async (letters: readonly DeadLetterMessage[]) => {
      const records = await Promise.all(
        letters.map(async (letter): Promise<OutgoingRecord> => {
          const key = letter.partitionId ?? letter.key ?? `${letter.topic}/${letter.topicPartition}/${letter.offset}`
          const headers = eventHeaders({
            identity: letterIdentity(letter),
            type: 'dead-letter',
            source,
            subject: key,
            time: letter.at,
            contentType: codec.contentType,
            runId: letter.runId ?? undefined,
          })
          return { key, value: await codec.encode(topic, letter), headers }
        }),
      )
      await producer.send(topic, records)
    },
  }
}

/** Produces a request as any Kafka client would: what it says is judged by the planner, not here. */
export async function produceRequest(
  { producer, codec, topicPrefix, source }: MessageLogDeps,
  request: RequestMessageInput,
  now: Date,
): Promise<void> {
  const topic = topicName(topicPrefix, 'requests')
  const headers = eventHeaders({
    identity: ['request', request.requestKey, now.toISOString()].join('|'),
    type: `request.${request.type}`,
    source,
    subject: request.requestKey,
    time: now.toISOString(),
    contentType: codec.contentType,
    runId: undefined,
  })
  await producer.send(topic, [{ key: request.requestKey, value: await codec.encode(topic, request), headers }])
}

// The messages of each topic, kind by kind, with examples: for topics/asyncapi.json.
import type { z } from 'zod'
import { ControlMessage } from '../src/contract/control.ts'
import { DeadLetterMessage } from '../src/contract/dead-letter.ts'
import { RequestMessage, type RequestMessageInput } from '../src/contract/request.ts'
import { StatusEvent } from '../src/contract/status.ts'
import { TaskMessage } from '../src/contract/task.ts'
import {
  createControlLog,
  createDeadLetterLog,
  createStatusLog,
  createTaskLog,
  type MessageLogDeps,
  produceRequest,
} from '../src/kafka/message-logs.ts'
import type { OutgoingRecord } from '../src/kafka/producer.ts'
import type { TopicDeclaration } from '../src/kafka/topic-catalog.ts'
import { eventSchemas } from './contract-schemas.ts'
import { eventWords, fieldWordsOf } from './status-words.ts'
import { topicSamples } from './topic-samples.ts'

export type TopicName = TopicDeclaration['name']

/** One kind of message of a topic. */
export interface Message {
  readonly name: string
  readonly summary: string
  readonly schema: z.ZodType
  /** What a field says. */
  words(field: string): string | undefined
  /** The samples that are of this kind. */
  isOf(sample: object): boolean
}

const typeOf = (sample: object): unknown => ('type' in sample ? sample.type : undefined)
const noWords = (): undefined => undefined

const requestWords: Readonly<Record<string, string>> = {
  start: 'Run a backfill, or with dryRun say what that would do.',
  pause: 'Stop a run, or one partition of it, at the next chunk boundary, and keep the place.',
  resume: 'Go on where it was paused.',
  cancel: 'Stop at the next chunk boundary for good; what is written stays.',
  retry: 'Do a part of a run that has ended again, as a run of its own.',
  tune: 'Change limits of a live run.',
  archive: 'Put a run that has ended away: lists leave it out.',
}

export const messages: Readonly<Record<TopicName, readonly Message[]>> = {
  requests: RequestMessage.options.map((schema) => {
    const name = schema.shape.type.value
    return {
      name,
      summary: requestWords[name] ?? '',
      schema,
      words: noWords,
      isOf: (sample) => typeOf(sample) === name,
    }
  }),
  tasks: [
    {
      ...{ name: 'task', summary: 'One partition to be processed.', schema: TaskMessage },
      ...{ words: noWords, isOf: () => true },
    },
  ],
  status: [...eventSchemas].map(([type, schema]) => ({
    ...{ name: type, summary: eventWords[type].when, schema },
    words: (field) => fieldWordsOf(type, field),
    isOf: (sample) => typeOf(sample) === type,
  })),
  control: [
    {
      ...{
        name: 'intent',
        summary: 'The whole current intent of a run. The newest message of a run is all there is to know.',
      },
      ...{ schema: ControlMessage, words: noWords, isOf: () => true },
    },
  ],
  'dead-letters': (['message', 'partition'] as const).map((what) => ({
    name: what,
    summary: what === 'message' ? 'A message that nobody can read.' : 'A partition that failed for good.',
    schema: DeadLetterMessage.extend({ what: DeadLetterMessage.shape.what.extract([what]) }),
    words: noWords,
    isOf: (sample: object) => 'what' in sample && sample.what === what,
  })),
}

/** The samples of a kind of message, with the headers that the system gives them. */
export async function examplesOf(topic: TopicName, message: Message): Promise<object[]> {
  const samples = topicSamples[topic].filter((sample) => message.isOf(sample))
  return Promise.all(
    samples.map(async (payload, at) => ({
      name: samples.length === 1 ? message.name : `${message.name}-${at + 1}`,
      headers: (await recordOf(topic, payload)).headers,
      payload,
    })),
  )
}

/** The record that a message is sent as. */
async function recordOf(topic: TopicName, payload: object): Promise<OutgoingRecord> {
  const sent: OutgoingRecord[] = []
  const send = async (_topic: string, records: readonly OutgoingRecord[]): Promise<void> => void sent.push(...records)
  const encode = async (_topic: string, value: unknown): Promise<Buffer> => Buffer.from(JSON.stringify(value))
  const deps: MessageLogDeps = {
    producer: { send, start: async () => {}, stop: async () => {} },
    codec: { contentType: 'application/json', encode, decode: async () => undefined },
    ...{ topicPrefix: 'tidemark', source: sourceOf(topic, payload) },
  }
  switch (topic) {
    case 'status':
      await createStatusLog(deps).publish([StatusEvent.parse(payload)])
      break
    case 'tasks':
      await createTaskLog(deps).publish([TaskMessage.parse(payload)])
      break
    case 'control':
      await createControlLog(deps).publish(ControlMessage.parse(payload))
      break
    case 'dead-letters':
      await createDeadLetterLog(deps).publish([DeadLetterMessage.parse(payload)])
      break
    case 'requests':
      await produceRequest(deps, payload as RequestMessageInput, new Date('2026-11-23T12:00:00.000Z'))
  }
  const [record] = sent
  if (record === undefined) throw new Error(`nothing was sent to ${topic}`)
  return record
}

/** Who tells it, as the system names its processes. */
function sourceOf(topic: TopicName, payload: object): string {
  if (topic === 'requests') return 'client'
  const [teller] = topic === 'status' ? eventWords[StatusEvent.parse(payload).type].by.split(', ') : []
  const role = teller ?? (topic === 'dead-letters' ? 'worker' : 'planner')
  return role === 'worker' ? 'worker/worker-1' : `${role}-1`
}

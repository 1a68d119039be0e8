import type { z } from 'zod'
import { ControlMessage } from '../contract/control.ts'
import { DeadLetterMessage } from '../contract/dead-letter.ts'
import { RequestMessage } from '../contract/request.ts'
import { StatusEvent } from '../contract/status.ts'
import { TaskMessage } from '../contract/task.ts'

const day = 86_400_000

/** A topic as it must be; `topics check` compares, `topics apply` creates. */
export interface TopicDeclaration {
  /** Name without the prefix. */
  readonly name: 'requests' | 'tasks' | 'status' | 'control' | 'dead-letters'
  /** Never changed on a live topic: keys would move to other topic partitions. */
  readonly topicPartitions: number
  readonly key: string
  readonly config: Readonly<Record<string, string>>
  readonly writers: readonly string[]
  readonly readers: readonly string[]
  /** Schema of the value. */
  readonly value: z.ZodType
}

const keepFor = (days: number): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(days * day),
})

export const topicCatalog: readonly TopicDeclaration[] = [
  {
    name: 'requests',
    topicPartitions: 6,
    key: 'request key',
    config: keepFor(30),
    writers: ['anybody allowed'],
    readers: ['planner'],
    value: RequestMessage,
  },
  {
    name: 'tasks',
    topicPartitions: 48,
    key: 'partition id',
    config: keepFor(30),
    writers: ['planner', 'supervisor'],
    readers: ['worker'],
    value: TaskMessage,
  },
  {
    name: 'status',
    topicPartitions: 12,
    key: 'partition id, else run id, else request key; of due times the backfill, of an alert and a worker its id',
    config: keepFor(30),
    writers: ['planner', 'worker', 'supervisor'],
    readers: ['ledger', 'anybody downstream'],
    value: StatusEvent,
  },
  {
    name: 'control',
    topicPartitions: 1,
    key: 'run id',
    config: { 'cleanup.policy': 'compact' },
    writers: ['planner', 'supervisor'],
    readers: ['every worker, the whole topic'],
    value: ControlMessage,
  },
  {
    name: 'dead-letters',
    topicPartitions: 3,
    key: 'partition id, else the key of the message',
    config: keepFor(90),
    writers: ['worker', 'ledger'],
    readers: ['people'],
    value: DeadLetterMessage,
  },
]

export const topicName = (prefix: string, name: TopicDeclaration['name']): string => `${prefix}.${name}`
export const groupName = (prefix: string, role: 'planner' | 'workers' | 'ledger'): string => `${prefix}.${role}`

import type { ControlMessage } from '../src/contract/control.ts'
import type { DeadLetterMessage } from '../src/contract/dead-letter.ts'
import type { RequestMessageInput } from '../src/contract/request.ts'
import type { StatusEvent } from '../src/contract/status.ts'
import type { TaskMessage } from '../src/contract/task.ts'
import type { TopicDeclaration } from '../src/kafka/topic-catalog.ts'

const runId = '019aa000-0000-7000-8000-000000000001'
const partitionId = '5b0c9a3e-2f7d-5c1b-9e4a-6d1f0a2b3c4d'
const hash = 'a'.repeat(64)
const at = '2026-11-23T12:00:00.000Z'
const totals = {
  rowsRead: 25_000,
  rowsWritten: 24_990,
  rowsFiltered: 8,
  rowsRejected: 2,
  chunks: 1,
  contentHash: '-9007199254740993001',
}
const ofRun = { version: 1, at, runId, backfill: 'orders-v2' } as const
const ofPartition = {
  ...ofRun,
  partitionId,
  index: 3,
  epoch: 2,
  sequence: 1,
  cursor: '["2026-01-01T00:00:00.123456Z","42"]',
  totals,
  worker: 'worker-1',
  topicPartition: 17,
} as const
const range = { kind: 'time', from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' } as const
const answer = { version: 1, at, requestKey: 'orders-v2/2026', requestHash: hash } as const

const intended = {
  sequence: 4,
  requestKey: 'pause/1',
  requestedBy: 'ana@example.com',
  reason: 'the database is busy',
} as const

const instance = '019aa000-0000-7000-8000-0000000000aa'
const alert = {
  version: 1,
  at,
  alertId: '019aa000-0000-7000-8000-0000000000bb',
  kind: 'ledgerAhead',
  severity: 'critical',
  about: { runId, backfill: 'orders-v2', partitionId, index: 3 },
} as const

const requests: RequestMessageInput[] = [
  {
    version: 1,
    type: 'start',
    requestKey: 'orders-v2/2026',
    backfill: 'orders-v2',
    params: { from: '2026-01-01', to: '2027-01-01' },
    requestedBy: 'ana@example.com',
  },
  {
    ...{ version: 1, type: 'start', requestKey: `follow/${runId}`, backfill: 'orders-v3', params: {} },
    ...{ follow: true, follows: runId },
  },
  {
    ...{ version: 1, type: 'start', requestKey: 'orders-v2/again', backfill: 'orders-v2', params: {} },
    ...{ reprocess: 'missing', dryRun: true },
  },
  { version: 1, type: 'pause', requestKey: 'pause/1', runId, reason: 'the database is busy', requestedBy: 'ana' },
  { version: 1, type: 'resume', requestKey: 'resume/1', runId, partitionId },
  { version: 1, type: 'cancel', requestKey: 'cancel/1', runId },
  { version: 1, type: 'retry', requestKey: 'retry/1', runId, partitionIds: [partitionId], priority: 5 },
  {
    version: 1,
    type: 'retry',
    requestKey: 'retry/2',
    runId,
    ranges: [{ from: range.from, to: '2026-01-01T06:00:00Z' }],
  },
  { version: 1, type: 'retry', requestKey: 'retry/3', runId, keys: ['17', 42], reason: 'the customer asked' },
  { version: 1, type: 'retry', requestKey: 'retry/4', runId, rejected: true },
  { version: 1, type: 'tune', requestKey: 'tune/1', runId, chunkRows: 5_000, rowsPerSecond: null, weight: 2 },
  { version: 1, type: 'archive', requestKey: 'archive/1', runId, reason: 'the numbers were checked' },
]
const tasks: TaskMessage[] = [
  {
    version: 1,
    runId,
    partitionId,
    index: 3,
    backfill: 'orders-v2',
    definitionHash: hash,
    params: { from: '2026-01-01', to: '2027-01-01' },
    range,
    locator: null,
    reason: 'planned',
    publishedAt: at,
  },
]
const status: StatusEvent[] = [
  { ...answer, type: 'request.accepted', runId },
  { ...answer, type: 'request.duplicate', runId },
  { ...answer, type: 'request.rejected', reasons: ['backfill "orders-v3" is not known; did you mean "orders-v2"?'] },
  {
    ...{ ...answer, type: 'request.reported' },
    report: {
      ...{ version: 1, backfill: 'orders-v2', definitionHash: hash, planId: hash, params: {} },
      ...{ target: 'db.example.com:5432/shop/public.orders_v2', range, why: null, partitions: 1, rows: null },
      rule: 'rows whose created_at is from 2026-01-01T00:00:00Z to before 2026-01-02T00:00:00Z: those above belong to a later run',
      ...{ conflicts: [], warnings: [] },
      selection: {
        reprocess: 'missing',
        leftOut: [{ from: range.from, to: '2026-01-01T06:00:00Z', why: 'completed', runId }],
        ...{ leftOutRanges: 1, ignoredRuns: 0 },
      },
      forecast: null,
      listed: [
        {
          index: 0,
          from: '2026-01-01T06:00:00Z',
          to: range.to,
          locator: { column: 'created_at' },
          estimatedRows: null,
        },
      ],
    },
  },
  {
    ...ofRun,
    type: 'run.planned',
    requestKey: 'orders-v2/2026',
    definitionHash: hash,
    planHash: hash,
    partitions: 365,
    range,
    estimatedRows: 3_000_000,
  },
  { ...ofPartition, type: 'partition.claimed', range },
  {
    ...ofPartition,
    type: 'partition.progressed',
    timings: { readMs: 40.1, transformMs: 21, writeMs: 55.5 },
  },
  { ...ofPartition, type: 'partition.completed' },
  {
    ...ofPartition,
    type: 'partition.failed',
    reason: 'ROW_INVALID',
    message: 'row 7: column "amount" is not null: got null',
    attempts: 1,
  },
  { ...ofPartition, type: 'partition.cancelled' },
  { ...ofRun, type: 'run.queued', position: 2, waitsFor: 'target' },
  {
    ...{ version: 1, at, type: 'schedule.skipped', backfill: 'orders-v2' },
    ...{ from: '2026-11-20T03:00:00.000Z', to: '2026-11-22T03:00:00.000Z', times: 3 },
  },
  { ...ofRun, type: 'partition.republished', partitionId, index: 3, message: 'no open task covered the partition' },
  {
    ...alert,
    type: 'alert.raised',
    message: 'partition 3 has chunk 5 in the ledger, and its checkpoint row is at chunk 4',
    remedy: 'nobody writes the checkpoint rows but Tidemark: find out who changed them, then retry the partition',
  },
  { ...alert, type: 'alert.resolved', message: 'ledger and checkpoint row agree' },
  {
    ...{ version: 1, at, type: 'repair.made', kind: 'eventLost', about: { runId, partitionId, index: 3 } },
    message: 'the ledger had not heard of the end of the partition: told again from its checkpoint row',
  },
  {
    ...{ version: 1, at, type: 'worker.alive', worker: 'worker-1', instance, sequence: 7, slots: 4, running: 3 },
    ...{ lanes: [2, 17, 33], residentMb: 182.4, cpuShare: 0.61, loopDelayMs: 12.5 },
  },
  {
    ...{ version: 1, at, type: 'worker.lost', worker: 'worker-1', instance, sequence: 8 },
    message: 'not heard of for 31 s, and not in the group any more',
  },
  {
    ...ofRun,
    type: 'run.completed',
    state: 'completed',
    partitions: 365,
    partitionsFailed: 0,
    partitionsCancelled: 0,
    totals,
  },
  {
    ...ofRun,
    type: 'run.failed',
    state: 'failed',
    partitions: 365,
    partitionsFailed: 1,
    partitionsCancelled: 0,
    totals,
  },
  {
    ...ofRun,
    type: 'run.cancelled',
    state: 'cancelled',
    partitions: 365,
    partitionsFailed: 1,
    partitionsCancelled: 300,
    totals,
  },
  { ...ofRun, type: 'run.paused', ...intended },
  { ...ofRun, type: 'run.resumed', ...intended },
  { ...ofRun, type: 'run.cancelling', ...intended },
  { ...ofRun, type: 'partition.paused', partitionId, index: 3, ...intended },
  { ...ofRun, type: 'partition.resumed', partitionId, index: 3, ...intended },
  { ...ofRun, type: 'partition.cancelling', partitionId, index: 3, ...intended, requestedBy: null, reason: null },
  { ...ofRun, type: 'intent.acknowledged', sequence: 4, intent: 'paused', worker: 'worker-1', atStart: false },
  {
    ...ofRun,
    type: 'run.tuned',
    ...intended,
    changes: { chunkRows: { from: null, to: 5_000 }, rowsPerSecond: { from: 20_000, to: null } },
  },
  { ...ofRun, type: 'run.archived', requestKey: 'archive/1', requestedBy: null, reason: 'the numbers were checked' },
]
const control: ControlMessage[] = [
  {
    ...ofRun,
    sequence: 4,
    intent: 'paused',
    partitions: [{ partitionId, intent: 'cancelled' }],
    settings: { chunkRows: 5_000, maxConcurrentPartitions: null, rowsPerSecond: null },
    requestedBy: 'ana@example.com',
    reason: 'the database is busy',
  },
]
const deadLetters: DeadLetterMessage[] = [
  {
    version: 1,
    what: 'message',
    reason: 'MESSAGE_INVALID',
    message: 'the value is not JSON',
    topic: 'tidemark.tasks',
    topicPartition: 17,
    offset: '9007199254740993',
    key: null,
    value: 'bm90IEpTT04=',
    runId: null,
    partitionId: null,
    cursor: null,
    failed: null,
    at,
  },
  {
    version: 1,
    what: 'partition',
    reason: 'ROW_INVALID',
    message: 'row 7 after 41: column "amount" is not null: got null',
    topic: 'tidemark.tasks',
    topicPartition: 17,
    offset: '42',
    key: partitionId,
    value: null,
    runId,
    partitionId,
    cursor: '["2026-01-01T00:00:00.123456Z","42"]',
    failed: {
      backfill: 'orders-v2',
      index: 3,
      range,
      epoch: 2,
      sequence: 1,
      attempts: 1,
      worker: 'worker-1',
      sample: ['{"id":"43","amount":null,"email":"[redacted]"}'],
    },
    at,
  },
]

/** One message of every kind a topic carries. */
export const topicSamples: Readonly<Record<TopicDeclaration['name'], readonly object[]>> = {
  requests,
  tasks,
  status,
  control,
  'dead-letters': deadLetters,
}

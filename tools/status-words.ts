import type { EventType } from '../src/subscribe/read-event.ts'

/** When an event is told, and by whom: for docs/status-events.md and topics/asyncapi.json. */
export const eventWords: Readonly<Record<EventType, { readonly when: string; readonly by: string }>> = {
  'request.accepted': { when: 'A request was accepted: of a start or a retry, the run exists now.', by: 'planner' },
  'request.duplicate': { when: 'The same request came before, and this is the run it is about.', by: 'planner' },
  'request.rejected': { when: 'A request was refused, and nothing was done.', by: 'planner' },
  'request.reported': { when: 'A dry run was answered: what the request would do now.', by: 'planner' },
  'run.queued': { when: 'A run was accepted and waits: for its target, or until fewer runs are live.', by: 'planner' },
  'run.planned': { when: 'The plan is made and frozen; tasks follow.', by: 'planner' },
  'run.completed': { when: 'Every partition is completed, by the checkpoint rows of the sink.', by: 'supervisor' },
  'run.failed': {
    when: 'Nothing of the run is live any more and some of it failed, or it could not be planned (`reason`).',
    by: 'supervisor, planner',
  },
  'run.cancelled': {
    when: 'A cancelled run has nothing live any more: no chunk of it commits after this.',
    by: 'supervisor',
  },
  'run.paused': {
    when: 'A pause of the run was accepted and written down. Who obeys says `intent.acknowledged`.',
    by: 'planner',
  },
  'run.resumed': { when: 'The run goes on.', by: 'planner' },
  'run.cancelling': {
    when: 'A cancel of the run was accepted and written down; `run.cancelled` follows.',
    by: 'planner',
  },
  'run.tuned': { when: 'Limits of a live run were changed.', by: 'planner' },
  'run.archived': { when: 'A run that has ended was put away: lists leave it out.', by: 'planner' },
  'intent.acknowledged': {
    when: 'A worker works on nothing any more that this intent, or one before it, does not want.',
    by: 'worker',
  },
  'partition.claimed': { when: 'A worker took the partition, for the first time or from another one.', by: 'worker' },
  'partition.progressed': { when: 'A chunk was committed, with its checkpoint.', by: 'worker' },
  'partition.completed': { when: 'The last chunk was committed.', by: 'worker, supervisor' },
  'partition.failed': {
    when: 'The partition will not be tried again by itself; a dead letter says the same.',
    by: 'worker, supervisor',
  },
  'partition.cancelled': {
    when: 'The checkpoint row says cancelled: no chunk of it commits any more.',
    by: 'worker, supervisor',
  },
  'partition.paused': { when: 'A pause of this one partition was accepted.', by: 'planner' },
  'partition.resumed': { when: 'This one partition goes on.', by: 'planner' },
  'partition.cancelling': {
    when: 'A cancel of this one partition was accepted; `partition.cancelled` follows.',
    by: 'planner',
  },
  'partition.republished': {
    when: 'No open task covered the partition, and one was published again.',
    by: 'supervisor',
  },
  'schedule.skipped': {
    when: 'Due times of a schedule passed while no planner was there, and no run is made for them.',
    by: 'planner',
  },
  'alert.raised': { when: 'Something is wrong, or is about to be; told once, until it is resolved.', by: 'supervisor' },
  'alert.resolved': { when: 'What an alert was about is over.', by: 'supervisor' },
  'repair.made': {
    when: 'A difference between plan, ledger, offsets and sink was found and mended.',
    by: 'supervisor',
  },
  'worker.started': { when: 'A worker process has begun.', by: 'worker' },
  'worker.alive': { when: 'A worker is there; told every few seconds.', by: 'worker' },
  'worker.stopped': { when: 'A worker has stopped in good order.', by: 'worker' },
  'worker.lost': { when: 'A worker was not heard of for long, and is not in the group any more.', by: 'supervisor' },
}

/** What a field says, by its name, or by type and name where one type means something else by it. */
const fieldWords: Readonly<Record<string, string>> = {
  version: 'of the message; 1',
  at: 'when it happened, by the clock of who tells it; for people, not for order',
  type: 'of the event',
  requestKey: 'of the request',
  'request.accepted.requestKey': 'of the request; null when the message was so broken that it had none',
  requestHash: "SHA-256 of the request's canonical JSON (RFC 8785), or of its bytes when it was no JSON",
  runId: 'the run; UUIDv7, so runs sort by when they were accepted',
  reasons: 'every reason found, each naming the field, the value and what would be right',
  report: 'what `tidemark plan --json` prints, without a forecast (schemas/plan-report.v1.schema.json)',
  backfill: 'id of the definition',
  position: 'place in the queue, from 1',
  waitsFor: 'a target that another run has, or room among the live runs',
  definitionHash: 'hash of the definition the plan was made with',
  planHash: 'hash of the plan: the same partitions, the same hash',
  partitions: 'partitions of the plan',
  range: 'half-open range of the source: of the partition, or of the plan as a whole',
  estimatedRows: 'rows in the pinned domain, when the source knows',
  state: 'of the run',
  partitionsFailed: 'how many of them failed',
  partitionsCancelled: 'how many of them were cancelled, those that were never claimed included',
  totals: 'what was done since the beginning, never since the last event; `contentHash` adds up over partitions',
  reason: 'why, as the person or program that asked wrote it',
  'run.failed.reason': 'why none of it was ever worked on: it could not be planned',
  'partition.failed.reason': 'code of the error that ended it',
  sequence: 'of the control message that carries the intent: only a higher one applies',
  'partition.claimed.sequence': 'chunks committed so far; it rises by one with each',
  'worker.alive.sequence': 'from 0, in each instance',
  requestedBy: 'who asked',
  changes: 'what is another one now: its value before and after; null is what the definition says',
  partitionId: 'the partition; the same whenever the same range of the run is planned',
  index: 'place of the partition in the plan, from 0',
  intent: 'what is wanted of the run as a whole',
  worker: 'id of the worker, which a restart keeps',
  atStart: 'it found the intent when it started: the time says nothing about how fast it was obeyed',
  epoch: 'which hold on the partition this is; it rises by one with each claim. 0: nobody ever held it',
  cursor: "the last row handled, in the source's own words; null: none yet",
  topicPartition: 'topic partition of the task topic that the task was read from',
  timings: 'milliseconds that reading, transforming and writing the chunk took',
  message: 'for a person',
  attempts: 'tries that counted, since the partition last got on',
  from: 'the first due time',
  to: 'the last one',
  times: 'how many; null: more than a thousand',
  alertId: 'of this occurrence: raised once, resolved at most once',
  kind: 'what is wrong',
  'repair.made.kind': 'what was mended',
  severity:
    '`info`: it mends itself; `warning`: worth a look; `critical`: what is stored is in doubt, or nothing goes on',
  about: 'run, partition, worker or topic partition that it is about, as far as it is about one',
  remedy: 'what a person does about it',
  instance: 'of this process: another one with the same id is another instance',
  slots: 'partitions it may work on at the same time',
  running: 'partitions it works on now',
  lanes: 'topic partitions of the task topic that it holds',
  residentMb: 'memory of the process',
  cpuShare: 'of one core, since it told last',
  loopDelayMs: 'the longest the event loop was held up, since it told last',
}

/** Fields that several types share and mean alike, by the type that has the words. */
const alike: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['request.duplicate', 'request.rejected', 'request.reported'].map((type) => [type, 'request.accepted']),
  ),
  ...Object.fromEntries(
    ['progressed', 'completed', 'failed', 'cancelled'].map((what) => [`partition.${what}`, 'partition.claimed']),
  ),
  ...Object.fromEntries(['started', 'stopped', 'lost'].map((what) => [`worker.${what}`, 'worker.alive'])),
  ...Object.fromEntries(['completed', 'cancelled'].map((what) => [`run.${what}`, 'run.failed'])),
}

/** What a field of an event says; undefined: nobody wrote it down. */
export function fieldWordsOf(type: EventType, field: string): string | undefined {
  const like = alike[type]
  return (
    fieldWords[`${type}.${field}`] ??
    (like === undefined ? undefined : fieldWords[`${like}.${field}`]) ??
    fieldWords[field]
  )
}

import type { About, AlertKind, AlertSeverity } from '../contract/alert.ts'
import type { Condition } from './alerts.ts'

interface AlertText {
  readonly severity: AlertSeverity
  /** What it means that it was raised. */
  readonly meaning: string
  /** What a person does about it. */
  readonly remedy: string
}

/** Every kind of alert with what it means and what to do: what docs/alerts.md says. */
export const alertTexts: Readonly<Record<AlertKind, AlertText>> = {
  ledgerAhead: {
    severity: 'critical',
    meaning:
      'The ledger says more of a partition than its checkpoint row in the sink: the database of the sink went back to an older state, or somebody changed the row.',
    remedy:
      'Find out whether the sink was restored or failed over. A live partition goes on from its row by itself; of a run that is over, retry the range of the partition.',
  },
  hashDiffers: {
    severity: 'critical',
    meaning:
      'Ledger and checkpoint row are at the same place of a partition and differ in counts or content: one of them was changed by somebody else, or one fact was told in two ways. A live partition is paused.',
    remedy:
      'Run `tidemark certify` for the run: it says whether the rows are what the checkpoint row says. Then resume the partition, or retry its range.',
  },
  checkpointMissing: {
    severity: 'critical',
    meaning:
      'A partition has been worked on, and the sink has no checkpoint row of it any more: somebody deleted it, or the database went back to before.',
    remedy:
      'Find out who deletes from the checkpoint table. A live partition is done again from its beginning, which replaces its rows; of a run that is over, retry its range.',
  },
  phantomCompletion: {
    severity: 'critical',
    meaning:
      'A partition is called completed, and its chunks do not lead to its end, or ledger and checkpoint row have it ended in two ways. A live partition is paused.',
    remedy: 'Run `tidemark certify` for the run, and retry the range of the partition if it differs.',
  },
  coverageGap: {
    severity: 'critical',
    meaning:
      'The partitions of a plan leave out a part of what the run is to do: a row of the plan was deleted or changed.',
    remedy: 'Retry the range that is named, as a run of its own.',
  },
  coverageOverlap: {
    severity: 'critical',
    meaning:
      'Two partitions of a plan have a part of the domain twice: a row of the plan was changed. The second of them is paused while it is live.',
    remedy: 'Cancel the partition that should not have it, and run `tidemark certify`.',
  },
  eventContradicted: {
    severity: 'critical',
    meaning:
      'One fact was told twice, and not the same: two programs tell events under one name, or a message was forged.',
    remedy: 'Look at both events in the status topic: their headers say who told them.',
  },
  offsetWentBack: {
    severity: 'info',
    meaning:
      'A committed offset of the task topic is lower than it was. Nothing is done twice: claims find that partitions are over.',
    remedy: 'Nothing, unless nobody reset it: then look at the brokers.',
  },
  offsetTooFar: {
    severity: 'warning',
    meaning:
      'A committed offset has passed tasks of partitions that are not over: somebody set it. The tasks are published again.',
    remedy: 'Nothing for the run. Find out who sets offsets of the worker group.',
  },
  offsetMetadataLost: {
    severity: 'info',
    meaning: 'A committed offset lost the checkpoints in its metadata. Checkpoint rows have them all.',
    remedy: 'Nothing, unless nobody reset offsets: another program may commit for the worker group.',
  },
  workerLost: {
    severity: 'warning',
    meaning:
      'A worker was heard of, is not any more, and is not in the worker group either. Its lanes are with the others.',
    remedy: 'Look why it ended, and start it again if it is missed.',
  },
  runStalled: {
    severity: 'warning',
    meaning: 'Nothing of a run has moved for long, though something of it is to be done. The message names the stage.',
    remedy: 'The message says what the stage it stands at needs.',
  },
  partitionSlow: {
    severity: 'warning',
    meaning: 'A partition takes many times as long as the others of its run.',
    remedy: 'Look at its size and at its worker; it goes on. Cut the backfill finer if it happens often.',
  },
  partitionsSkewed: {
    severity: 'info',
    meaning: 'The largest partition of a run has many times the rows of the middle one: its end will be waited for.',
    remedy: 'Cut the backfill by quantiles or by rows.',
  },
  partitionsFailed: {
    severity: 'warning',
    meaning: 'Partitions of a run failed for good.',
    remedy: 'Look at their dead letters, mend what they name, and retry the run.',
  },
  errorBudgetLow: {
    severity: 'warning',
    meaning: 'Four fifths of the rows that a run may reject are rejected. When the budget is spent the run is parked.',
    remedy: 'Look at the rejected rows, and correct the source, or raise limits.maxRejectedRows.',
  },
  intentUnacknowledged: {
    severity: 'warning',
    meaning:
      'A worker has not said that it obeys a pause, a cancel or new limits. Critical after five minutes: then what it holds of a paused run is taken from it, as often as it claims it.',
    remedy:
      'Look at the log of the worker; stop it if it hangs: its lanes go to workers that obey, and nothing is lost.',
  },
  ledgerLag: {
    severity: 'warning',
    meaning:
      'Events are told faster than they are recorded, or nobody records them: what the ledger says is old. Rows and checkpoints are not concerned.',
    remedy: 'See whether a ledger writer runs, and whether the control database answers; start another writer.',
  },
}

/** A condition with the words of its kind; `more` says what is special about this one. */
export const condition = (
  kind: AlertKind,
  about: About,
  message: string,
  more: Partial<Pick<Condition, 'severity' | 'remedy'>> = {},
): Condition => {
  const { severity, remedy } = alertTexts[kind]
  return { kind, about, message, severity, remedy, ...more }
}

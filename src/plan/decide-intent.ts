import { type Intent, mostPartitionIntents, type PartitionIntent } from '../contract/control.ts'
import type { RunId } from '../contract/ids.ts'
import type { IntentRequest } from '../contract/request.ts'
import { canMove, isTerminalRun, type PartitionState, type RunState } from '../contract/states.ts'

/** A run as a request for an intent finds it. */
export interface IntendedRun {
  readonly id: RunId
  readonly state: RunState
  readonly intent: Intent
  /** The partition that the request names; null when the run's plan has no such partition. */
  readonly partition: {
    /** Of its own; null: none. */
    readonly intent: PartitionIntent['intent'] | null
    /** How it ended, as far as the ledger knows; null: it has not. */
    readonly ended: PartitionState | null
  } | null
  /** Partitions with an intent of their own. */
  readonly partitionIntents: number
}

export type IntentDecision =
  | {
      readonly kind: 'accepted'
      /** Of the run, from now on. */
      readonly state: RunState
      readonly intent: Intent
      /** Of the partition that the request names, from now on; null: none of its own. */
      readonly partitionIntent: PartitionIntent['intent'] | null
    }
  | { readonly kind: 'rejected'; readonly reasons: readonly string[] }

const rejected = (reason: string): IntentDecision => ({ kind: 'rejected', reasons: [reason] })

/** Whether a run can become what a request wants, and what that makes of it. The transition table decides. */
export function decideIntent(run: IntendedRun, request: IntentRequest): IntentDecision {
  const { id, state } = run
  const what = `${request.type} of run ${id}`
  if (isTerminalRun(state)) return rejected(`${what}: it is ${state}, nothing is done for it any more`)
  if (state === 'cancelling') return rejected(`${what}: it is being cancelled, which is for good`)
  return request.partitionId === undefined
    ? decideForRun(run, request, what)
    : decideForPartition(run, request, request.partitionId)
}

function decideForRun({ state, intent }: IntendedRun, request: IntentRequest, what: string): IntentDecision {
  const accepted = (next: RunState, wanted: Intent): IntentDecision =>
    next === state || canMove(state, next)
      ? { kind: 'accepted', state: next, intent: wanted, partitionIntent: null }
      : rejected(`${what}: it is ${state}, and cannot become ${next}`)
  switch (request.type) {
    case 'pause':
      if (intent === 'paused') return rejected(`${what}: it is paused already (state ${state})`)
      // A plan that is being made is made to its end: its run begins paused.
      return accepted(isBegun(state) ? 'paused' : state, 'paused')
    case 'resume':
      if (intent !== 'paused') return rejected(`${what}: it is ${state}, only a paused run can be resumed`)
      return accepted(isBegun(state) ? 'running' : state, 'running')
    case 'cancel':
      return accepted('cancelling', 'cancelled')
  }
}

const isBegun = (state: RunState): boolean => state !== 'planning' && state !== 'queued'

function decideForPartition(run: IntendedRun, request: IntentRequest, partitionId: string): IntentDecision {
  const { state, intent, partition } = run
  const what = `${request.type} of partition ${partitionId}`
  if (partition === null)
    return rejected(
      `${what}: run ${run.id} has no such partition${isBegun(state) ? '' : ` yet, it is ${state === 'queued' ? 'queued' : 'being planned'}`}`,
    )
  if (partition.ended !== null) return rejected(`${what}: it is ${partition.ended}, nothing is done for it any more`)
  const accepted = (partitionIntent: PartitionIntent['intent'] | null): IntentDecision =>
    partition.intent === null && run.partitionIntents >= mostPartitionIntents
      ? rejected(
          `${what}: ${run.partitionIntents} partitions of run ${run.id} have an intent of their own, which is the most`,
        )
      : { kind: 'accepted', state, intent, partitionIntent }
  switch (request.type) {
    case 'pause':
      return partition.intent === null ? accepted('paused') : rejected(`${what}: it is ${partition.intent} already`)
    case 'resume':
      return partition.intent === 'paused'
        ? accepted(null)
        : rejected(`${what}: it is ${partition.intent ?? 'not paused'}, only a paused partition can be resumed`)
    case 'cancel':
      return partition.intent === 'cancelled' ? rejected(`${what}: it is cancelled already`) : accepted('cancelled')
  }
}

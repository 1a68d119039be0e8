import { isTerminalRun, type PartitionState } from '../contract/states.ts'
import type { PartitionFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { heldFindings, pausedBeforeFinding } from './held-findings.ts'
import type { History } from './history.ts'
import { endMs } from './pace.ts'
import { silentFinding, slowFinding, stagesFinding, takenOverFinding, workedOnFinding } from './pace-findings.ts'
import {
  alertFindings,
  cancelledFinding,
  completedFinding,
  endedFinding,
  failedFinding,
  pendingFinding,
  republishedFinding,
} from './state-findings.ts'

/**
 * Why a partition is where it is, what is to be known first in front; never empty. `nowMs`: milliseconds since 1970, by
 * the clock of whoever asks.
 */
export function diagnose(facts: PartitionFacts, history: History, nowMs: number): readonly Finding[] {
  const stands = standing(facts, history, nowMs)
  const isHeld = stands.some(({ kind }) => kind === 'paused')
  return [
    ...alertFindings(history),
    ...stands,
    ...slowFinding(facts, history, nowMs),
    ...(isHeld ? [] : pausedBeforeFinding(history, endMs(history, nowMs))),
    ...stagesFinding(facts, history),
    ...takenOverFinding(history),
    ...republishedFinding(history),
  ]
}

function standing(facts: PartitionFacts, history: History, nowMs: number): Finding[] {
  const { newest } = history
  if (newest?.type === 'partition.failed') return [failedFinding(facts, newest)]
  if (newest?.type === 'partition.cancelled') return [cancelledFinding(facts, history)]
  if (newest?.type === 'partition.completed') return [completedFinding(facts, history, nowMs)]
  const { run, runId } = facts
  if (run !== null && isTerminalRun(run.state)) return [endedFinding(runId, run, history)]
  const held = heldFindings(facts, history)
  if (newest === undefined) return held.length > 0 ? held : [pendingFinding(facts)]
  // Whoever is paused says nothing.
  const silent = held.length > 0 ? [] : silentFinding(history, nowMs)
  const goesOn = held.length === 0 && silent.length === 0
  return [...held, ...silent, workedOnFinding(facts, newest, nowMs, goesOn)]
}

/** What the events say that it is. */
export function stateOf({ newest }: History): PartitionState {
  switch (newest?.type) {
    case undefined:
      return 'pending'
    case 'partition.claimed':
    case 'partition.progressed':
      return 'running'
    case 'partition.completed':
      return 'completed'
    case 'partition.failed':
      return 'failed'
    case 'partition.cancelled':
      return 'cancelled'
  }
}

/** Why a partition is where it is: a sentence, and what a person does about it. */
export interface Finding {
  readonly kind: FindingKind
  readonly text: string
  /** Null: nothing is to be done. */
  readonly remedy: string | null
}

export type FindingKind =
  | 'alert'
  | 'failed'
  | 'cancelled'
  | 'completed'
  | 'ended'
  | 'queued'
  | 'planning'
  | 'cancelling'
  | 'paused'
  | 'unpublished'
  | 'unclaimed'
  | 'silent'
  | 'slow'
  | 'stages'
  | 'takenOver'
  | 'republished'
  | 'running'

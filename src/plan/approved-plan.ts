import { TerminalError } from '../contract/errors.ts'
import type { Sha256 } from '../contract/ids.ts'
import type { KeyRange } from '../contract/range.ts'
import type { StartRequest } from '../contract/request.ts'

/** A plan as it comes out now. */
export interface PlanNow {
  readonly planHash: Sha256
  readonly definitionHash: Sha256
  readonly range: KeyRange
  readonly partitions: number
}

/** Throws TerminalError (PLAN_STALE) with what changed since somebody looked, as far as the request tells what it was. */
export function requireApproved({ backfill, plan }: Pick<StartRequest, 'backfill' | 'plan'>, now: PlanNow): void {
  if (plan === undefined || plan.id === now.planHash) return
  const { definitionHash, range, partitions } = plan
  const changes = [
    ...(definitionHash === undefined || definitionHash === now.definitionHash ? [] : ['the definition was changed']),
    ...(range === undefined || sameRange(range, now.range)
      ? []
      : [`the range was ${rangeText(range)} and is ${rangeText(now.range)}`]),
    ...(partitions === undefined || partitions === now.partitions
      ? []
      : [`there were ${partitions} partitions and are ${now.partitions}`]),
  ]
  const what =
    changes.length > 0
      ? changes
      : [
          `definition, bounds or files are not what they were: now ${rangeText(now.range)} in ${now.partitions} partitions`,
        ]
  const reasons = what.map((change) => `plan ${plan.id.slice(0, 12)}… of "${backfill}" is out of date: ${change}`)
  throw new TerminalError('PLAN_STALE', `${reasons.join('; ')}: look at it again with "tidemark plan ${backfill}"`, {
    reasons,
  })
}

const sameRange = (a: KeyRange, b: KeyRange): boolean => a.kind === b.kind && a.from === b.from && a.to === b.to
const rangeText = ({ from, to }: KeyRange): string => `${from} to ${to}`

import type { RequestAnswer } from '../../contract/status.ts'
import { compareTold, toldOf } from '../placed-event.ts'

/** The last time an answer was given. */
export interface AnswerRecord {
  readonly eventId: string
  readonly answer: RequestAnswer
  readonly offset: string
}

export function laterAnswer(a: AnswerRecord | undefined, b: AnswerRecord): AnswerRecord {
  return a === undefined || compareTold(told(a), told(b)) < 0 ? b : a
}

const told = ({ answer, offset }: AnswerRecord): ReturnType<typeof toldOf> => toldOf({ event: answer, offset })

import Table from 'cli-table3'
import type { LastRequest, ListedSchedule } from '../schedule/list-schedules.ts'
import { linesOf, plain } from './plain-table.ts'

export function schedulesTable(schedules: readonly ListedSchedule[]): string {
  if (schedules.length === 0) return 'no definition of this folder has a schedule'
  const table = new Table({ ...plain, head: ['backfill', 'every', 'time zone', 'next', 'last run', 'state'] })
  for (const { backfill, every, timezone, next, last } of schedules)
    table.push([
      backfill,
      every,
      timezone,
      next ?? 'never',
      last?.runId ?? '',
      last === null ? 'not yet' : stateText(last),
    ])
  return linesOf(table)
}

const stateText = ({ state, reasons }: LastRequest): string =>
  reasons.length === 0 ? state : `${state}: ${reasons.join('; ')}`

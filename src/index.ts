export type {
  Backfill,
  BackfillInput,
  Limits,
  Skipped,
  TransformContext,
  Transformed,
} from './define/define-backfill.ts'
export { defineBackfill } from './define/define-backfill.ts'
export { partition } from './define/partition-by.ts'
export type { RowSchema } from './define/row-schema.ts'
export type { ScheduleInput } from './define/schedule.ts'

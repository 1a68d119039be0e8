import { z } from 'zod'

/** A run: uuid v7, so runs sort by the time they were accepted. */
export const RunId = z.uuid()
export type RunId = z.infer<typeof RunId>

/** A partition of one run's plan: uuid v5 of (run, range), so planning twice gives the same ids. */
export const PartitionId = z.uuid()
export type PartitionId = z.infer<typeof PartitionId>

/** The id a backfill is registered under: lower-case words joined by hyphens. */
export const BackfillId = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens, such as orders-v2')
  .max(100)
export type BackfillId = z.infer<typeof BackfillId>

/** The client's own name for a request: the same key and the same body are the same run for ever. */
export const RequestKey = z.string().min(1).max(200)
export type RequestKey = z.infer<typeof RequestKey>

/** Stable name of a worker process: a restart keeps it. */
export const WorkerId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, underscores or hyphens')
export type WorkerId = z.infer<typeof WorkerId>

/** SHA-256 as 64 lower-case hexadecimal digits. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)
export type Sha256 = z.infer<typeof Sha256>

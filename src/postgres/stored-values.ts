import { z } from 'zod'
import { Count } from '../contract/certificate.ts'

/** bigint columns arrive as text; counts are small enough for numbers. */
export const StoredCount = z.coerce.number().pipe(Count)

/** Times as RFC 3339 with milliseconds. */
export const StoredInstant = z.date().transform((at) => at.toISOString())

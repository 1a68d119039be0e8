import { z } from 'zod'

/** RFC 3339 in UTC, with microseconds where the source has them: 2026-01-31T23:59:59.123456Z. */
export const Instant = z.iso.datetime()
export type Instant = z.infer<typeof Instant>

import { z } from 'zod'
import { Count } from './certificate.ts'
import { RunId } from './ids.ts'
import { Instant } from './instant.ts'

/** What a person wants a run to be. Compacted by run id: the newest message of a run is its intent. */
export const Intent = z.enum(['running', 'paused', 'cancelled'])
export type Intent = z.infer<typeof Intent>

export const ControlMessage = z.object({
  version: z.literal(1),
  runId: RunId,
  /** Only a higher sequence applies: doubled and reordered messages change nothing. */
  sequence: Count,
  intent: Intent,
  requestedBy: z.string().optional(),
  at: Instant,
})
export type ControlMessage = z.infer<typeof ControlMessage>

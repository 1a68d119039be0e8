import { z } from 'zod'
import { BackfillId, RequestKey } from './ids.ts'

/**
 * What anybody produces on the request topic (or through the CLI, which does the same). Strict: an unknown field is
 * refused, for it is most likely a typing error in something the writer meant.
 */
export const StartRequest = z.strictObject({
  version: z.literal(1),
  type: z.literal('start'),
  /** Same key and same body: the same run for ever. Same key and another body: rejected. */
  requestKey: RequestKey,
  backfill: BackfillId,
  /** Validated by the backfill's own params schema. */
  params: z.record(z.string(), z.json()).default({}),
  /** Who asks, for the record. */
  requestedBy: z.string().min(1).max(200).optional(),
})
export type StartRequest = z.infer<typeof StartRequest>

export const RequestMessage = z.discriminatedUnion('type', [StartRequest])
export type RequestMessage = z.infer<typeof RequestMessage>
export type RequestMessageInput = z.input<typeof RequestMessage>

import { z } from 'zod'
import { Count } from '../contract/certificate.ts'
import { DecimalInteger } from '../contract/range.ts'

/** Finds the offsets of a partition: a position less `firstPosition` is as far from `from`, also in a part of the partition. */
export const OffsetLocator = z.object({
  topic: z.string(),
  topicId: z.string().nullable(),
  topicPartition: Count,
  /** The offset at the partition's first position, and the one after its last. */
  from: DecimalInteger,
  to: DecimalInteger,
  firstPosition: DecimalInteger,
})
export type OffsetLocator = z.infer<typeof OffsetLocator>

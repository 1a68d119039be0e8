import { type StatusEvent, statusIdentity } from '../contract/status.ts'
import { namedUuid } from './named-uuid.ts'

/** Namespace of every deterministic id of ours that is not a partition's. */
export const idNamespace = '5e0f1f0a-6a7b-5c1e-9b58-2d8f6c1d7a11'

/** The id of a fact, also its `ce_id`: equal facts have equal ids, whoever tells them and however often. */
export const eventIdOf = (event: StatusEvent): string => namedUuid(statusIdentity(event), idNamespace)

import { groupName } from '../kafka/topic-catalog.ts'
import type { Config } from '../process/config.ts'

/** The name of a worker's presence in the control database. */
export const presenceOf = ({ schema, topicPrefix }: Config, workerId: string): string =>
  `tidemark worker ${schema} ${groupName(topicPrefix, 'workers')} ${workerId}`

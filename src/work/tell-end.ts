import type { StatusEvent } from '../contract/status.ts'
import type { StoredCheckpoint } from '../sink/sink.ts'
import { partitionLetter } from '../status/partition-letter.ts'
import type { DeadLetterLog } from '../status/status-log.ts'
import { ended, type Teller } from './partition-events.ts'

export interface EndTellers {
  tell(events: readonly StatusEvent[]): Promise<void>
  readonly deadLetters: DeadLetterLog
}

/**
 * Tells what became of a partition, from its terminal row alone, so that whoever finds the row tells the same: a dead
 * letter first when it failed, then the event. The offset may pass afterwards.
 */
export async function tellEnd(
  { tell, deadLetters }: EndTellers,
  teller: Teller,
  checkpoint: StoredCheckpoint,
): Promise<void> {
  if (checkpoint.state === 'failed') await deadLetters.publish([partitionLetter(teller, checkpoint, teller.now())])
  await tell([ended(teller, checkpoint)])
}

// The only place, with its folder, that names concrete adapters and wires them. Reads nothing by itself, decides nothing.

import type { RunningRole } from './compose/foundation.ts'
import { composeLedger } from './compose/ledger.ts'
import { composePlanner } from './compose/planner.ts'
import { composeSupervisor } from './compose/supervisor.ts'
import { composeWorker } from './compose/worker.ts'
import type { Config } from './process/config.ts'
import type { Log } from './process/log.ts'
import { type Mark, noMark } from './process/marks.ts'

export { certificateOf, coverageOf, runsCertificateOf, tablesCertificateOf } from './compose/certify.ts'
export { connectClient } from './compose/client.ts'
export { dryRunOf } from './compose/dry-run.ts'
export { explain } from './compose/explain.ts'
export type { RunningRole } from './compose/foundation.ts'
export { type LedgerReader, openLedger } from './compose/ledger-reader.ts'
export {
  applyTopics,
  checkTopics,
  evictMember,
  type GroupOffsets,
  groupOffsets,
  groupWorkers,
} from './compose/operations.ts'
export { type RebuiltLedger, rebuildLedger } from './compose/rebuild.ts'
export { schedulesOf } from './compose/schedules.ts'
export type { Explanation } from './explain/explain.ts'
export type { CommandClient } from './subscribe/client.ts'

export type Role = 'planner' | 'worker' | 'ledger' | 'supervisor'

/**
 * A role of the system, wired to its adapters; `mark` is called at every crash point. Throws TerminalError when
 * definitions or configuration are wrong.
 */
export async function composeRole(role: Role, config: Config, log: Log, mark: Mark = noMark): Promise<RunningRole> {
  switch (role) {
    case 'planner':
      return composePlanner(config, log, mark)
    case 'worker':
      return composeWorker(config, log, mark)
    case 'ledger':
      return composeLedger(config, log, mark)
    case 'supervisor':
      return composeSupervisor(config, log, mark)
  }
}

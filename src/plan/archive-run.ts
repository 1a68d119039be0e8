import type { ArchiveRequest } from '../contract/request.ts'
import { isTerminalRun } from '../contract/states.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { ArchivableRun, ArchiveStore } from './archive-store.ts'
import { type AskedChange, type ChangeDeps, changeRun } from './change-run.ts'

export interface ArchiveDeps extends ChangeDeps {
  readonly archives: ArchiveStore
}

/** Puts a run that has ended away. Deletes nothing: its record, and the claim of its request key, stay for ever. */
export function archiveRun(deps: ArchiveDeps, asked: AskedChange<ArchiveRequest>): Promise<void> {
  const { request } = asked
  return changeRun(deps, asked, {
    judge: async () => {
      const run = await deps.archives.read(request.runId)
      const reason = whyNot(run)
      if (run === null || reason !== null)
        return { kind: 'rejected', reasons: [`archive of run ${request.runId}: ${reason}`] }
      return {
        kind: 'accepted',
        write: (entry) => deps.archives.write(run.id, { ...entry, request }),
        told: (at) => archived(request, run.backfill, at),
      }
    },
    // That it holds the key says that it was the one that archived.
    toldAgain: ({ run }, at) => archived(request, run.backfill, at),
  })
}

function whyNot(run: ArchivableRun | null): string | null {
  if (run === null) return 'no such run is known'
  if (!isTerminalRun(run.state)) return `it is ${run.state}; only a run that has ended can be archived`
  if (run.archivedAt !== null) return `it is archived already, since ${run.archivedAt.toISOString()}`
  return null
}

function archived(
  { runId, requestKey, requestedBy, reason }: ArchiveRequest,
  backfill: string,
  at: string,
): StatusEvent {
  return {
    ...{ version: 1, type: 'run.archived', runId, backfill, requestKey, at },
    ...{ requestedBy: requestedBy ?? null, reason: reason ?? null },
  }
}

import type { Log } from './log.ts'
import type { Parent } from './parent.ts'
import type { Service } from './service.ts'

const usageEveryMs = 500
/** How long work in flight may take to settle after a signal; whatever is cut off then resumes at its checkpoint. */
const graceMs = 20_000

/** A role as `compose.ts` returns it. */
export interface RoleService extends Service {
  /** Rejects when the role cannot go on: the process has to end and be started again. */
  readonly failed: Promise<never>
  /** Rows taken from sources by this process, committed or not. */
  rowsRead?(): number
  /** Calls back at each change of them, so that a process that is killed took no count with it. */
  onRowsRead?(changed: () => void): void
}

/** Runs a role until it is asked to stop (resolves) or cannot go on (rejects with the reason). */
export async function runRole(
  compose: () => Promise<RoleService>,
  stop: AbortSignal,
  parent: Parent | undefined,
  log: Log,
): Promise<void> {
  const ended = parent === undefined ? stop : AbortSignal.any([stop, parent.gone])
  const asked = new Promise<void>((resolve) => {
    if (ended.aborted) resolve()
    else ended.addEventListener('abort', () => resolve(), { once: true })
  })
  const service = await Promise.race([compose(), asked])
  if (service === undefined) return
  service.failed.catch(() => {})
  let endReports: (() => Promise<void>) | undefined
  try {
    await Promise.race([service.start(), service.failed, asked])
    if (!ended.aborted) {
      const reports = parent?.reportUsage(() => service.rowsRead?.() ?? null, usageEveryMs)
      if (reports !== undefined) service.onRowsRead?.(() => void reports.now())
      endReports = reports?.end
      await parent?.tell({ ready: true })
      log.info({}, 'ready')
      await Promise.race([service.failed, asked])
    }
  } finally {
    await settle(service, log)
    await endReports?.()
  }
}

async function settle(service: RoleService, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log.warn({ graceMs }, 'work in flight did not settle in time and is cut off; it resumes at its checkpoint')
      resolve()
    }, graceMs)
  })
  try {
    await Promise.race([service.stop(), limit])
  } catch (error) {
    log.error({ error }, 'stopping failed')
  } finally {
    clearTimeout(timer)
  }
}

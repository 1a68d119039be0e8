import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import type { SmallBackfill } from './small-backfill.ts'
import type { TidemarkProcess } from './tidemark-process.ts'

/** Every role of a backfill's system as a process of its own, on the shared servers. */
export interface Roles {
  readonly workers: readonly TidemarkProcess[]
  /** SIGKILL, all of them. */
  kill(): Promise<void>
}

/** Topics and the sink's table, as `tidemark up` and `run` make them. */
export async function prepareSmall(small: SmallBackfill): Promise<void> {
  const applied = await small.tidemark('topics', 'apply').ended
  if (applied.code !== 0) throw new Error(applied.stderr)
  await small.query(readFileSync(join(small.folder, 'small.prepare.sql'), 'utf8'))
}

/** Resolves when all of them are ready. */
export async function startRoles(small: SmallBackfill, workerIds: readonly string[]): Promise<Roles> {
  const start = (...args: string[]): TidemarkProcess => small.tidemark(...args, '--definitions', '.')
  const others = ['planner', 'ledger', 'supervisor'].map((role) => start(role))
  const workers = workerIds.map((id) => start('worker', '--worker-id', id))
  const all = [...others, ...workers]
  await Promise.all(all.map((role) => logged(role, 'ready')))
  return {
    workers,
    kill: async () => {
      for (const { child } of all) child.kill('SIGKILL')
      await Promise.all(all.map(({ ended }) => ended))
    },
  }
}

/** Waits until a process has logged this message. */
export async function logged(role: TidemarkProcess, message: string): Promise<void> {
  await eventually(
    `"${message}" in the log`,
    async () => {
      if (role.child.exitCode !== null) throw new Error(`the process has ended: ${role.stderr()}`)
      return role.stderr().includes(`"msg":"${message}"`) ? true : undefined
    },
    60_000,
  )
}

import { execFileSync } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { WayUnavailableError } from './server.ts'

export interface User {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root: the user it runs as instead; undefined when this process is not root. */
export function unprivilegedUser(): User | undefined {
  if (userInfo().uid !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [idOf('-u', name), idOf('-g', name)]
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new WayUnavailableError(
    'this is root, as which Postgres refuses to run, and there is no user "postgres" or "nobody"',
  )
}

/** Lets other users through a folder, without letting them look into it. */
export function letThrough(folder: string): void {
  const { mode } = statSync(folder)
  if ((mode & 0o011) !== 0o011) chmodSync(folder, mode | 0o011)
}

/** Throws WayUnavailableError when a folder above `path` lets this user not through: Postgres would only say "Permission denied". */
export function assertReachable(path: string, { uid, gid }: User): void {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid: owner, gid: group } = statSync(folder)
    const searchable = owner === uid ? mode & 0o100 : group === gid ? mode & 0o010 : mode & 0o001
    if (searchable === 0)
      throw new WayUnavailableError(
        `this is root, so Postgres runs as user ${uid}, which may not enter ${folder}: chmod o+x it, or run as another user`,
      )
    if (folder === dirname(folder)) return
  }
}

function idOf(which: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [which, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return undefined
  }
}

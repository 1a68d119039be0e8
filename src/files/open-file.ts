import { type FileHandle, open } from 'node:fs/promises'
import { messageOf, TerminalError } from '../contract/errors.ts'

/** What tells one content of a path from another. */
export interface FileIdentity {
  readonly bytes: number
  readonly modifiedMs: number
}

/** Throws TerminalError (SOURCE_NOT_READABLE) when the file is missing or may not be read. */
export async function openFile(path: string): Promise<FileHandle> {
  return open(path, 'r').catch((error: unknown) => {
    throw new TerminalError(
      'SOURCE_NOT_READABLE',
      `${path} cannot be opened (${messageOf(error)}): is it there, mounted and readable?`,
      { cause: error },
    )
  })
}

/** What the open file is by now: somebody may be writing it. */
export async function identityOf(handle: FileHandle): Promise<FileIdentity> {
  const { size, mtimeMs } = await handle.stat()
  return { bytes: size, modifiedMs: Math.trunc(mtimeMs) }
}

/** Throws TerminalError (SOURCE_NOT_READABLE) when a file is not the one that was planned. */
export function requireSame(path: string, now: FileIdentity, planned: FileIdentity): void {
  if (now.bytes === planned.bytes && now.modifiedMs === planned.modifiedMs) return
  throw new TerminalError(
    'SOURCE_NOT_READABLE',
    `${path} is not the file that was planned: it had ${planned.bytes} bytes of ${dateOf(planned.modifiedMs)}, ` +
      `now ${now.bytes} bytes of ${dateOf(now.modifiedMs)}; put the planned file back, or start another run`,
  )
}

const dateOf = (modifiedMs: number): string => new Date(modifiedMs).toISOString()

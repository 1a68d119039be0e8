import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder for files. */
export interface TextFolder {
  readonly path: string
  write(name: string, content: string | Uint8Array): Promise<void>
  remove(): Promise<void>
}

export async function textFolder(): Promise<TextFolder> {
  const path = await mkdtemp(join(tmpdir(), 'tidemark-text-'))
  return {
    path,
    write: (name, content) => writeFile(join(path, name), content),
    remove: () => rm(path, { recursive: true }),
  }
}

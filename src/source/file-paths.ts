import { glob, stat } from 'node:fs/promises'
import { resolve, sep } from 'node:path'

export interface FoundPaths {
  /** Paths of files relative to the folder (or absolute, where the pattern is), sorted, each once. */
  readonly paths: readonly string[]
  /** Why a pattern gave nothing. */
  readonly problems: readonly string[]
}

/**
 * The files that paths and globs name. A path that exists is taken as it is, also when it looks like a glob.
 * `extension` is what such files are usually called, for messages.
 */
export async function findPaths(patterns: readonly string[], folder: string, extension: string): Promise<FoundPaths> {
  const paths = new Set<string>()
  const problems: string[] = []
  for (const pattern of patterns) {
    const found = await matches(pattern, folder)
    for (const path of found) paths.add(path)
    if (found.length === 0) problems.push(await whyNothing(pattern, folder, extension))
  }
  return { paths: [...paths].sort((a, b) => (a < b ? -1 : 1)), problems }
}

const isGlob = (pattern: string): boolean => /[*?[\]{}!]/.test(pattern)

async function matches(pattern: string, folder: string): Promise<readonly string[]> {
  if (await isFile(pattern, folder)) return [pattern]
  const found: string[] = []
  if (isGlob(pattern))
    for await (const match of glob(pattern, { cwd: folder }))
      if (await isFile(match, folder)) found.push(match.replaceAll(sep, '/'))
  return found
}

async function isFile(path: string, folder: string): Promise<boolean> {
  return stat(resolve(folder, path)).then(
    (found) => found.isFile(),
    () => false,
  )
}

async function whyNothing(pattern: string, folder: string, extension: string): Promise<string> {
  if (isGlob(pattern))
    return `no file matches "${pattern}" in ${folder} (${resolve(folder, pattern)}): put files there, or correct the pattern`
  const path = resolve(folder, pattern)
  const there = await stat(path).catch(() => null)
  return there?.isDirectory() === true
    ? `${path} is a folder: name its files, as in "${pattern.replace(/\/$/, '')}/*.${extension}"`
    : `${path} is missing ("${pattern}", relative to ${folder}): put the file there, or correct the path`
}

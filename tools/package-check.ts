// Packs what would be published into a scratch folder and asks publint and attw whether users could import it.
// Built aside, not in dist/: a check must not leave an older build where bin/tidemark.js would find it.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from './build.ts'

const root = dirname(import.meta.dirname)
const scratch = join(root, '.tidemark', `package-${process.pid}`)

function run(tool: string, ...args: string[]): void {
  const bin = join(root, 'node_modules', '.bin', tool)
  const { status } = spawnSync(bin, args, { cwd: scratch, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${tool} refuses the package`)
}

try {
  mkdirSync(scratch, { recursive: true })
  build(join(scratch, 'dist'))
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  for (const name of ['package.json', 'README.md', 'LICENSE', ...files])
    if (name !== 'dist' && existsSync(join(root, name)))
      cpSync(join(root, name), join(scratch, name), { recursive: true })
  run('publint', '--strict')
  run('attw', '--pack', '.', '--profile', 'esm-only', '--no-emoji')
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

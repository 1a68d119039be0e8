// npm run mutants [-- --json] [--only ID …]: breaks a copy of the sources on purpose, one way at a time, and runs the
// cells of the crash bench that are there to notice. Exit code 0 only when each of them does.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { z } from 'zod'
import { type Mutant, mutants } from './mutant-list.ts'

const root = join(import.meta.dirname, '..', '..')

const CrashReport = z.object({
  failed: z.array(
    z.object({ id: z.string(), violations: z.array(z.object({ invariant: z.string(), what: z.string() })) }),
  ),
})

interface Verdict {
  readonly id: string
  readonly breaks: string
  /** Cell and invariants that noticed; empty for a survivor. */
  readonly by: readonly string[]
}

/** A copy of what the bench runs, with the fault in it. Throws when the source is not as the mutant expects. */
function copyWith({ id, changes }: Mutant): string {
  const copy = join(root, '.tidemark', `mutants-${process.pid}`, id)
  mkdirSync(copy, { recursive: true })
  for (const part of ['src', 'test', 'topics', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const { file, from, to } of changes) {
    const source = readFileSync(join(copy, file), 'utf8')
    const places = source.split(from).length - 1
    if (places !== 1)
      throw new Error(`mutant ${id}: ${file} has its text ${places} times, not once: bring mutant-list.ts up to date`)
    writeFileSync(
      join(copy, file),
      source.replace(from, () => to),
    )
  }
  return copy
}

async function judge(mutant: Mutant): Promise<Verdict> {
  const copy = copyWith(mutant)
  const args = ['test/chaos/crash.ts', '--json', ...mutant.cells.flatMap((cell) => ['--only', cell])]
  const child = spawn(process.execPath, args, { cwd: copy, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0 && code !== 1) throw new Error(`mutant ${mutant.id}: the bench ended with ${code}`)
  const { failed } = CrashReport.parse(JSON.parse(out))
  // That a cell ran into a limit proves nothing: only an invariant does.
  const noticed = failed
    .map(({ id, violations }) => ({ id, violations: violations.filter(({ invariant }) => invariant !== 'bench') }))
    .filter(({ violations }) => violations.length > 0)
  const by = noticed.map(
    (cell) => `${cell.id}: ${[...new Set(cell.violations.map(({ invariant }) => invariant))].join(' ')}`,
  )
  return { id: mutant.id, breaks: mutant.breaks, by }
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true, default: [] } },
})
const chosen = values.only.length === 0 ? mutants : mutants.filter(({ id }) => values.only.includes(id))
if (chosen.length === 0) {
  console.error(`no mutant is called ${values.only.join(', ')}; there are ${mutants.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}
const verdicts: Verdict[] = []
for (const mutant of chosen) {
  console.error(`${mutant.id}: ${mutant.breaks}`)
  verdicts.push(await judge(mutant))
}
rmSync(join(root, '.tidemark', `mutants-${process.pid}`), { recursive: true, force: true })
const survivors = verdicts.filter(({ by }) => by.length === 0).map(({ id }) => id)
const table = new Table({ head: ['mutant', 'what is broken', 'noticed by'], style: { head: [], border: [] } })
for (const { id, breaks, by } of verdicts) table.push([id, breaks, by.length === 0 ? 'nobody' : by.join('\n')])
if (values.json)
  console.log(
    JSON.stringify({ total: verdicts.length, caught: verdicts.length - survivors.length, survivors, verdicts }),
  )
else console.log(table.toString())
process.exit(survivors.length === 0 ? 0 : 1)

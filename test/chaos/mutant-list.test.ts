// Risk: what a mutant is to break has moved, and the run of all of them ends at it an hour later.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mutants } from './mutant-list.ts'

test.each(mutants)('$id breaks what is there', ({ changes }) => {
  for (const { file, from } of changes) {
    const source = readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')
    expect(source.split(from), file).toHaveLength(2)
  }
})

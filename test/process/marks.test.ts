import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { markNames } from '../../src/process/marks.ts'

const source = join(import.meta.dirname, '..', '..', 'src')

test('every mark stands in the code', () => {
  const code = globSync('**/*.ts', { cwd: source })
    .filter((file) => !file.endsWith('marks.ts'))
    .map((file) => readFileSync(join(source, file), 'utf8'))
    .filter((text) => text.includes('mark'))
    .join('\n')
  for (const name of Object.keys(markNames)) expect(code).toContain(`'${name}'`)
})

import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** One line per issue: where, what is wrong, and the value found there. */
export function issueLines(error: z.core.$ZodError, input: unknown, prefix: string): string[] {
  return error.issues.map((issue) => {
    const path = [...(prefix === '' ? [] : [prefix]), ...issue.path.map(String)].join('.')
    const said = [path, sentenceOf(issue)].filter((part) => part !== '').join(': ')
    const value = valueAt(input, issue.path)
    // The whole document says nothing about what is wrong with it.
    const isShown = value !== undefined && (path !== '' || typeof value !== 'object')
    return isShown && issue.code !== 'unrecognized_keys' ? `${said}, got ${shown(value)}` : said
  })
}

function sentenceOf(issue: Issue): string {
  if (issue.code === 'unrecognized_keys')
    return `unknown ${issue.keys.length === 1 ? 'field' : 'fields'} ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`
  return issue.message
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = input
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

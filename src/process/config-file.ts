// Settings from a file: read, checked with the place of every mistake, and filled in where the environment says nothing,
// so that every role and command reads them the same way.
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { insteadOf } from '../source/nearest-name.ts'
import { isSecret } from './config.ts'
import { ConfigFile, settings } from './settings.ts'

const names = ['tidemark.config.yaml', 'tidemark.config.yml', 'tidemark.config.json'] as const

/** What a file says, as the environment variables it stands for. */
export interface FileSettings {
  /** Absolute path. */
  readonly file: string
  readonly values: Readonly<Record<string, FileValue>>
}

interface FileValue {
  readonly text: string
  /** From 1. */
  readonly line: number
}

/**
 * The file that is named (`--config`, else TIDEMARK_CONFIG), else the one of this folder; undefined when there is none.
 * Throws TerminalError (NOT_FOUND) for one that is named and cannot be read, and (CONFIG_INVALID) with every mistake,
 * its line, its value (never a secret's) and what would be right.
 */
export function readConfigFile(cwd: string, named: string | undefined): FileSettings | undefined {
  const file = named ? resolve(cwd, named) : ownFile(cwd)
  if (file === undefined) return undefined
  const text = contentOf(file)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  const [broken] = document.errors
  if (broken !== undefined)
    throw new TerminalError('CONFIG_INVALID', `${file} is not YAML: ${broken.message.trim()}`, { cause: broken })
  const place = placesIn(document, lines)
  const json: unknown = document.toJS() ?? {}
  const parsed = ConfigFile.safeParse(json)
  if (!parsed.success) {
    const reasons = parsed.error.issues.flatMap((issue) =>
      mistakes(issue, json).map(({ path, said }) => `${basename(file)}:${place(path)}: ${said}`),
    )
    throw new TerminalError('CONFIG_INVALID', reasons.join('; '), { reasons })
  }
  return { file, values: valuesOf(json, dirname(file), place) }
}

/** The environment, and beneath it what the file says. `NAME_FILE` counts as the environment's word. */
export function withConfigFile(env: NodeJS.ProcessEnv, file: FileSettings | undefined): NodeJS.ProcessEnv {
  if (file === undefined) return env
  const given = Object.entries(file.values).filter(([name]) => !env[name] && !env[`${name}_FILE`])
  // Processes that this one starts read the same file.
  return { ...env, ...Object.fromEntries(given.map(([name, { text }]) => [name, text])), TIDEMARK_CONFIG: file.file }
}

function ownFile(cwd: string): string | undefined {
  const found = names.filter((name) => existsSync(join(cwd, name)))
  if (found.length > 1)
    throw new TerminalError('CONFIG_INVALID', `${cwd} has ${found.join(' and ')}: keep one, or name one with --config`)
  return found[0] === undefined ? undefined : join(cwd, found[0])
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TerminalError('NOT_FOUND', `configuration file ${file} cannot be read`, { cause: error })
  }
}

type Path = readonly PropertyKey[]

/** One a mistake, at the field that is wrong. */
function mistakes(issue: z.core.$ZodIssue, json: unknown): { path: Path; said: string }[] {
  const field = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(issue.path)
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      said: `unknown setting ${[...issue.path, key].join('.')}: ${insteadOf(key, known)}`,
    }))
  }
  const value = valueAt(json, issue.path)
  const variable = settings.find(({ path }) => path === issue.path.filter((part) => typeof part === 'string').join('.'))
  const hidden = issue.path[0] === 'databases' || (variable !== undefined && isSecret(variable.variable))
  const is = hidden && value !== null ? 'is not right' : `is ${JSON.stringify(value)}`
  return [
    { path: issue.path, said: field === '' ? 'must be a mapping of settings' : `${field} ${is}: ${issue.message}` },
  ]
}

/** Names of the fields of a group. */
function fieldsAt(path: Path): string[] {
  const prefix = path.length === 0 ? '' : `${path.join('.')}.`
  const all = [...settings.flatMap(({ path: at }) => (at === null ? [] : [at])), 'databases']
  return [
    ...new Set(all.filter((at) => at.startsWith(prefix)).map((at) => at.slice(prefix.length).split('.')[0] ?? '')),
  ]
}

function valueAt(json: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    json,
  )
}

/** Finds the line of a field, or of the nearest one around it. */
function placesIn(document: Document, lines: LineCounter): (path: Path) => number {
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const around = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
      const pair = isMap(around)
        ? around.items.find(({ key }) => isNode(key) && String(key) === String(path[length - 1]))
        : undefined
      const node: unknown = pair === undefined ? document.getIn(path.slice(0, length), true) : pair.key
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
}

/** A setting as the environment has it. */
const SettingText = z.union([
  z.array(z.string()).transform((list) => list.join(',')),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
])
const Databases = z.record(z.string(), z.string()).default({})

function valuesOf(json: unknown, folder: string, place: (path: Path) => number): Record<string, FileValue> {
  const values: Record<string, FileValue> = {}
  for (const { path, variable } of settings) {
    if (path === null) continue
    const at = path.split('.')
    const value = valueAt(json, at)
    if (value === undefined) continue
    const text = SettingText.parse(value)
    values[variable] = { text: variable === 'TIDEMARK_DEFINITIONS' ? resolve(folder, text) : text, line: place(at) }
  }
  for (const [name, url] of Object.entries(Databases.parse(valueAt(json, ['databases']))))
    values[name] = { text: url, line: place(['databases', name]) }
  return values
}

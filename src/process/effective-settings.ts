import { relative } from 'node:path'
import { isSecret, withFiles } from './config.ts'
import type { FileSettings } from './config-file.ts'
import { settings } from './settings.ts'

/** A setting as it is in effect, safe to print: passwords are left out of its value. */
export interface EffectiveSetting {
  /** Place in a configuration file, or the variable's name where it is not for files. */
  readonly setting: string
  readonly variable: string
  /** Null: not set, and there is no default. */
  readonly value: string | null
  readonly origin: Origin | null
}

export interface Origin {
  readonly from: 'environment' | 'file' | 'running system' | 'default'
  /** The variable, or file and line; of the others, words for a person. */
  readonly where: string
}

export interface Sources {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly file: FileSettings | undefined
  /** What a running `tidemark up` of this folder says. */
  readonly running: Readonly<Record<string, string>> | undefined
}

/** Every setting and where its value comes from. Throws TerminalError (CONFIG_INVALID) for a NAME_FILE that cannot be read. */
export function effectiveSettings({ cwd, env, file, running }: Sources): EffectiveSetting[] {
  const given = withFiles(env)
  const isComplete = ['KAFKA_BROKERS', 'DATABASE_URL'].every(
    (name) => (given[name] ?? file?.values[name]) !== undefined,
  )
  const found = (variable: string, fallback: string | null): [string | null, Origin | null] => {
    const own = given[variable]
    if (own !== undefined) return [own, { from: 'environment', where: env[variable] ? variable : `${variable}_FILE` }]
    const inFile = file?.values[variable]
    if (file !== undefined && inFile !== undefined)
      return [inFile.text, { from: 'file', where: `${shortest(cwd, file.file)}:${inFile.line}` }]
    // As commands do: it is asked only when something that they need is missing.
    const shared = isComplete ? undefined : running?.[variable]
    if (shared !== undefined) return [shared, { from: 'running system', where: '"tidemark up" of this folder' }]
    return fallback === null ? [null, null] : [fallback, { from: 'default', where: 'default' }]
  }
  const row = (setting: string, variable: string, fallback: string | null): EffectiveSetting => {
    const [value, origin] = found(variable, fallback)
    return { setting, variable, value: value === null ? null : redacted(variable, value), origin }
  }
  const others = Object.keys(file?.values ?? {}).filter((name) => !settings.some(({ variable }) => variable === name))
  return [
    ...settings.map(({ path, variable, fallback }) => row(path ?? variable, variable, fallback)),
    ...others.map((variable) => row(`databases.${variable}`, variable, null)),
  ]
}

/** A value without its password. What is no address, though it should be, is not shown at all. */
export function redacted(variable: string, value: string): string {
  const isOwn = settings.some(({ variable: name }) => name === variable)
  if (isOwn && !isSecret(variable)) return value
  if (/(PASSWORD|SECRET)$/.test(variable) || !URL.canParse(value)) return '***'
  const url = new URL(value)
  // Whoever knows the path of many a webhook may post to it.
  if (/WEBHOOK$/.test(variable)) return `${url.origin}/***`
  if (url.password !== '') url.password = '***'
  for (const name of [...url.searchParams.keys()])
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, '***')
  return url.href
}

/** As seen from here, unless that leads up and down again. */
function shortest(cwd: string, file: string): string {
  const from = relative(cwd, file)
  return from.startsWith('..') ? file : from
}

import { InvalidArgumentError } from '@commander-js/extra-typings'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { Reprocess } from '../contract/request.ts'
import { Environment } from '../process/config.ts'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of a duration such as 500ms, 2s, 1.5m or 1h. Throws InvalidArgumentError. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  const unit = match?.[2]
  const durationMs =
    Number(match?.[1]) * (unit === 'ms' || unit === 's' || unit === 'm' || unit === 'h' ? unitMs[unit] : Number.NaN)
  if (Number.isFinite(durationMs) && durationMs >= 1 && durationMs <= 86_400_000) return Math.round(durationMs)
  throw new InvalidArgumentError(`"${text}" is not a duration between 1ms and 24h such as 500ms, 2s or 1m`)
}

/** A parser of whole numbers from `min` to `max`. It throws InvalidArgumentError. */
export function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = Number(text)
    if (/^\d+$/.test(text) && count >= min && count <= max) return count
    throw new InvalidArgumentError(`"${text}" is not a whole number from ${min} to ${max}`)
  }
}

/** Names with commas between them. Throws InvalidArgumentError. */
export function parseNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.every((name) => name !== '')) return names
  throw new InvalidArgumentError(`"${text}" has an empty name in it: names with commas between them are right`)
}

/** Throws InvalidArgumentError. */
export function parseReprocess(text: string): Reprocess {
  const parsed = Reprocess.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError(`"${text}" is not one of ${Reprocess.options.join(', ')}`)
}

/** Throws InvalidArgumentError. */
export function parseSchema(text: string): string {
  const parsed = Environment.shape.TIDEMARK_SCHEMA.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError(`"${text}" ${parsed.error.issues[0]?.message ?? 'is no name of a schema'}`)
}

export const Params = z.record(z.string(), z.json())
export type Params = z.infer<typeof Params>

/**
 * The params of a request: `--params` as one JSON object, then each `--param name=value` on top. A value that is JSON
 * (a number, true, a list …) is taken as such, any other as text. Throws TerminalError (PARAMS_INVALID).
 */
export function parseParams(json: string | undefined, pairs: readonly string[]): Params {
  const params = json === undefined ? {} : parseObject(json)
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new TerminalError('PARAMS_INVALID', `--param "${pair}" is not of the form name=value`)
    params[pair.slice(0, at)] = jsonOrText(pair.slice(at + 1))
  }
  return params
}

function parseObject(json: string): Params {
  try {
    return { ...Params.parse(JSON.parse(json)) }
  } catch {
    throw new TerminalError('PARAMS_INVALID', `--params ${json} is not a JSON object such as '{"from":"2024-01-01"}'`)
  }
}

function jsonOrText(text: string): Params[string] {
  try {
    return z.json().parse(JSON.parse(text))
  } catch {
    return text
  }
}

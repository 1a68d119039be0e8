import { messageOf, TerminalError } from '../contract/errors.ts'
import type { Config } from './config.ts'

/**
 * How to reach brokers other than Tidemark's own: ORDERS_KAFKA_BROKERS, and beside it ORDERS_KAFKA_SSL and
 * ORDERS_KAFKA_SASL_…, which say what KAFKA_SSL and KAFKA_SASL_… say of its own. What these hold is sent to no other
 * cluster. `read` reads the configuration of an environment. Throws TerminalError (CONFIG_INVALID).
 */
export function otherBrokers(
  env: Readonly<Record<string, string>>,
  variable: string,
  read: (env: Record<string, string>) => Config,
): Config['kafka'] {
  const prefix = variable.replace(/BROKERS$/, '')
  if (prefix === variable || prefix === '')
    throw invalid(
      `the definition names its brokers by the environment variable ${variable}: its name must end in _BROKERS`,
    )
  if (env[variable] === undefined && env[`${variable}_FILE`] === undefined)
    throw invalid(`the definition names its brokers by the environment variable ${variable}, which is not set`)
  const rest = Object.entries(env).filter(([name]) => !name.startsWith('KAFKA_') || name.startsWith('KAFKA_CLIENT_ID'))
  const asOwn = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[`KAFKA_${name.slice(prefix.length)}`, value] as const] : [],
  )
  try {
    return read(Object.fromEntries([...rest, ...asOwn])).kafka
  } catch (error) {
    throw invalid(messageOf(error).replaceAll('KAFKA_', prefix), error)
  }
}

const invalid = (reason: string, cause?: unknown): TerminalError =>
  new TerminalError('CONFIG_INVALID', reason, cause === undefined ? undefined : { cause })

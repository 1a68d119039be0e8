import { TerminalError } from '../contract/errors.ts'
import type { How, ServerName } from './server.ts'
import { WayUnavailableError } from './server.ts'

export const addressVariable = {
  kafka: 'KAFKA_BROKERS',
  postgres: 'DATABASE_URL',
  registry: 'SCHEMA_REGISTRY_URL',
} as const satisfies Record<ServerName, string>

/** What a way needs before it can start a server. Throws WayUnavailableError when this machine does not have it. */
export type Prepare<T> = () => Promise<T>

export type Choice<Embedded, Docker> =
  | { readonly how: 'environment'; readonly address: string }
  | { readonly how: 'embedded'; readonly use: Embedded }
  | { readonly how: 'docker'; readonly use: Docker }

export interface Ways<Embedded, Docker> {
  readonly embedded: Prepare<Embedded>
  readonly docker: Prepare<Docker>
}

/**
 * Where a server comes from: its address in the environment, else embedded, else Docker; TIDEMARK_STACK leaves only one
 * of the last two. Throws TerminalError (STACK_UNAVAILABLE) naming the three, and why each is not to be had.
 */
export async function chooseWay<Embedded, Docker>(
  server: ServerName,
  env: NodeJS.ProcessEnv,
  ways: Ways<Embedded, Docker>,
): Promise<Choice<Embedded, Docker>> {
  const address = env[addressVariable[server]]
  if (address !== undefined && address !== '') return { how: 'environment', address }
  const only = wayByHand(env)
  const reasons: [How, string][] = [['environment', `${addressVariable[server]} is not set`]]
  const tryWay = async <T>(how: 'embedded' | 'docker', prepare: Prepare<T>): Promise<T | undefined> => {
    if (only !== undefined && only !== how) {
      reasons.push([how, `not tried, because TIDEMARK_STACK is "${only}"`])
      return undefined
    }
    try {
      return await prepare()
    } catch (error) {
      if (!(error instanceof WayUnavailableError)) throw error
      reasons.push([how, error.message])
      return undefined
    }
  }
  const embedded = await tryWay('embedded', ways.embedded)
  if (embedded !== undefined) return { how: 'embedded', use: embedded }
  const docker = await tryWay('docker', ways.docker)
  if (docker !== undefined) return { how: 'docker', use: docker }
  throw new TerminalError('STACK_UNAVAILABLE', unavailableText(server, reasons))
}

export function unavailableText(server: ServerName, reasons: readonly (readonly [How, string])[]): string {
  const lines = reasons.map(([how, reason]) => `  ${how}: ${reason}`)
  return [`no ${server} to be had. Tried:`, ...lines].join('\n')
}

function wayByHand(env: NodeJS.ProcessEnv): 'embedded' | 'docker' | undefined {
  const way = env.TIDEMARK_STACK
  if (way === undefined || way === '') return undefined
  if (way === 'embedded' || way === 'docker') return way
  throw new TerminalError('CONFIG_INVALID', `TIDEMARK_STACK is "${way}"; it must be "embedded" or "docker"`)
}

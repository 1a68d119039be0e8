import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { WayUnavailableError } from './server.ts'

const oldest = 17
const remedy = `install Java ${oldest} or newer`

export interface Java {
  readonly command: string
  /** The full version, such as 17.0.15+6: a class archive fits exactly one. */
  readonly version: string
}

/** Options that make a small server start fast. Its peak throughput is for benchmarks to ask for. */
export const quickStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Djava.awt.headless=true']

/** The Java of JAVA_HOME, else of the path. Throws WayUnavailableError when there is none, or an older one. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java> {
  const home = env.JAVA_HOME
  const command = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  const text = await versionText(command, env)
  const version = /\(build ([^,)\s]+)/.exec(text)?.[1] ?? /version "([^"]+)"/.exec(text)?.[1]
  if (version === undefined) throw new WayUnavailableError(`${command} does not say its version; ${remedy}`)
  if (Number.parseInt(version, 10) < oldest) throw new WayUnavailableError(`${command} is Java ${version}; ${remedy}`)
  return { command, version }
}

function versionText(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, ['-version'], { env }, (error, out, err) => {
      if (error === null) resolve(out + err)
      else reject(new WayUnavailableError(`${command} cannot be run (${error.code ?? error.message}); ${remedy}`))
    })
  })
}

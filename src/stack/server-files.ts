// The files of Kafka and the registry: fetched by Maven once per version, then no network is needed.
// Writes <cache>/kafka-VERSION and <cache>/registry-VERSION, each by one rename after every checksum held, so that
// nobody sees half a download and two at once do no harm. Reads the user's Maven settings (mirrors); leaves nothing in
// the user's Maven repository.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { WayUnavailableError } from './server.ts'

const Files = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))
const Lock = z.object({
  kafka: z.object({ version: z.string(), log4j: z.string(), files: Files }),
  registry: z.object({ version: z.string(), files: Files }),
})
const pom = fileURLToPath(new URL('./pom.xml', import.meta.url))
export const stackLock = Lock.parse(JSON.parse(readFileSync(new URL('./stack.lock.json', import.meta.url), 'utf8')))

/** Newer ones of this goal also want the artifact's parent POM, which is not published everywhere. */
const getGoal = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:get'

export interface FileSource {
  readonly env: NodeJS.ProcessEnv
  readonly log: (line: string) => void
}

/** The folder of Kafka's jars. Throws WayUnavailableError when they are not there and cannot be fetched. */
export async function kafkaJars({ env, log }: FileSource): Promise<string> {
  const { version, log4j, files } = stackLock.kafka
  return onceFetched(`kafka-${version}`, env, log, async (scratch) => {
    const jars = join(scratch, 'jars')
    const versions = [`-Dkafka.version=${version}`, `-Dlog4j.version=${log4j}`]
    await maven(scratch, env, ['-f', pom, 'package', ...versions, `-Dkafka.dir=${jars}`])
    checkSums(jars, files)
    return jars
  })
}

/** The registry's runnable jar. Throws WayUnavailableError when it is not there and cannot be fetched. */
export async function registryJar({ env, log }: FileSource): Promise<string> {
  const { version, files } = stackLock.registry
  const app = 'apicurio-registry-app'
  const folder = await onceFetched(`registry-${version}`, env, log, async (scratch) => {
    const artifact = `io.apicurio:${app}:${version}:tar.gz:all`
    await maven(scratch, env, [getGoal, '-Dtransitive=false', `-Dartifact=${artifact}`])
    const [archive] = Object.keys(files).map((file) => join(scratch, 'm2', 'io', 'apicurio', app, version, file))
    if (archive === undefined) throw new Error('stack.lock.json names no archive of the registry')
    checkSum(archive, files[basename(archive)])
    const unpacked = join(scratch, 'unpacked')
    mkdirSync(unpacked)
    await run('tar', ['xzf', archive, '-C', unpacked], env)
    return unpacked
  })
  return join(folder, `${app}-${version}-runner.jar`)
}

export function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (env.TIDEMARK_STACK_DIR) return env.TIDEMARK_STACK_DIR
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tidemark')
}

async function onceFetched(
  name: string,
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
  fetch: (scratch: string) => Promise<string>,
): Promise<string> {
  const cache = cacheFolder(env)
  const target = join(cache, name)
  if (existsSync(target)) return target
  log(`fetching ${name} with Maven, once`)
  let scratch: string
  try {
    mkdirSync(cache, { recursive: true })
    scratch = mkdtempSync(join(cache, `.${name}-`))
  } catch (error) {
    throw new WayUnavailableError(`${cache} is not writable; set TIDEMARK_STACK_DIR to a folder that is`, {
      cause: error,
    })
  }
  try {
    const made = await fetch(scratch)
    try {
      renameSync(made, target)
    } catch (error) {
      if (!existsSync(target)) throw error // else another process was faster
    }
    return target
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

export function checkSums(folder: string, sums: Readonly<Record<string, string>>): void {
  for (const file of Object.keys(sums)) checkSum(join(folder, file), sums[file])
  const extra = readdirSync(folder).filter((file) => !(file in sums))
  if (extra.length > 0) throw new Error(`fetched files that stack.lock.json does not name: ${extra.join(', ')}`)
}

function checkSum(file: string, wanted: string | undefined): void {
  const found = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (found !== wanted) throw new Error(`${basename(file)} has SHA-256 ${found}; stack.lock.json says ${wanted}`)
}

function maven(scratch: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<void> {
  return run('mvn', ['-q', '-B', '-C', `-Dmaven.repo.local=${join(scratch, 'm2')}`, ...args], env)
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, maxBuffer: 1 << 26 }, (error, out, err) => {
      if (error === null) return resolve()
      const said = `${out}${err}`.trim().split('\n').slice(0, 3).join(' ')
      const why =
        error.code === 'ENOENT'
          ? `${command} is not installed; install Maven 3 (and Java 17 or newer)`
          : `${command} failed: ${said || error.message}`
      reject(new WayUnavailableError(why, { cause: error }))
    })
  })
}

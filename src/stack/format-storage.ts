import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runGuarded } from './guarded-process.ts'

// Fixed, so that every broker of a folder is formatted for the same cluster.
const clusterId = 'VGlkZW1hcmstc3RhY2stMQ'

export interface Format {
  readonly brokerId: number
  readonly folder: string
  /** The broker's log.dirs. */
  readonly data: string
  /** Where this version's feature levels are kept, which are the same for every broker. */
  readonly template: string
  /** The broker's server.properties. */
  readonly config: string
  /** Runs a class of Kafka. */
  readonly java: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/**
 * Makes a folder a broker's, when it is not yet. Kafka's tool takes a JVM start (0.8 s) to write two files: the folder's
 * identity, made here, and the feature levels of the version, which are kept from the first time.
 */
export async function formatStorage(format: Format): Promise<void> {
  const { brokerId, data, template } = format
  const identity = join(data, 'meta.properties')
  const levels = join(data, 'bootstrap.checkpoint')
  if (existsSync(identity)) return
  rmSync(data, { recursive: true, force: true }) // what an interrupted format left
  if (!existsSync(template)) {
    await runTool(format)
    copyFileSync(levels, `${template}.${process.pid}`)
    renameSync(`${template}.${process.pid}`, template)
    return
  }
  mkdirSync(data, { recursive: true })
  copyFileSync(template, levels)
  const directoryId = randomBytes(16).toString('base64url')
  const lines = ['version=1', `cluster.id=${clusterId}`, `node.id=${brokerId}`, `directory.id=${directoryId}`]
  writeFileSync(`${identity}.new`, `${lines.join('\n')}\n`)
  renameSync(`${identity}.new`, identity)
}

async function runTool({ java, config, folder, env, signal }: Format): Promise<void> {
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config, '--ignore-formatted']
  const command = [...java, ...format] as const
  await runGuarded({ name: 'kafka-format', command, signal: 'TERM', graceSeconds: 3, folder, env }, signal)
}

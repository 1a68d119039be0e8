import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Role } from '../../src/compose.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { ChildMessage } from '../../src/process/parent.ts'
import { goOn, type Harm, type HoldClaims, Passed } from './harm.ts'
import type { Launch } from './role-process.ts'
import type { ClockShift } from './shift-clock.ts'
import type { World } from './small-world.ts'

export interface PartOptions {
  /** Its worker id too. */
  readonly name: string
  readonly roles: readonly Role[]
  readonly harm?: Harm | null
  /** Started again when it has ended without being asked to. Default true. */
  readonly restart?: boolean
  readonly slots?: number
  /** Of its first life: the first event of this type that it tells never reaches the topic, though it is acknowledged. */
  readonly losesEvent?: StatusEvent['type']
  /** How far the wall clock of a life is ahead of the machine's when it begins; lives count from 0. */
  clockMs?(life: number): number
}

/** A process of the system under test, over all its lives. */
export interface Part {
  readonly name: string
  readonly roles: readonly Role[]
  /** Its rows taken from sources, over all lives. */
  rowsRead(): number
  /** Lives that ended without being asked to. */
  deaths(): number
  /** Those that the system ended itself, with an exit code. */
  exits(): readonly number[]
  isReady(): boolean
  isFrozen(): boolean
  /** Resolves when it holds at its mark. */
  readonly holds: Promise<void>
  goOn(): void
  /** Whenever it has claimed one of these partitions from now on, it holds, until it goes on. */
  holdClaims(partitionIds: readonly string[]): void
  /** Its wall clock is so much ahead of the machine's from now on. */
  setClock(aheadMs: number): void
  /** SIGKILL; it starts again after `awayMs`, by default almost at once. */
  kill(awayMs?: number): void
  freeze(): void
  thaw(): void
  /** SIGTERM, and starts again: a rolling restart. */
  restart(): void
  /** Resolves when it has ended in order; kills it after `graceMs`, and says so. */
  stop(graceMs: number): Promise<'ended' | 'killed'>
}

export interface Ports {
  /** Null: brokers are reached at their own addresses. */
  readonly kafkaPort: number | null
  readonly postgresPort: number
}

const entry = join(import.meta.dirname, 'role-process.ts')
const soonMs = 100

export function startPart(world: World, ports: Ports, options: PartOptions): Part {
  const { name, roles, restart = true } = options
  const logFile = join(world.folder, `${name}.log`)
  const env = { ...environment(world, ports), TIDEMARK_WORKER_ID: name, TIDEMARK_SLOTS: String(options.slots ?? 2) }
  const read: number[] = []
  const exits: number[] = []
  const holding = Promise.withResolvers<void>()
  let deaths = 0
  let isReady = false
  let isStopping = false
  let awayMs = soonMs
  let child: ChildProcess
  let ended: Promise<void> = Promise.resolve()

  const begin = (harm: Harm | null): void => {
    isReady = false
    const life = read.push(0) - 1
    const launch: Launch = {
      roles: [...roles],
      request: null,
      kafkaPort: ports.kafkaPort,
      harm,
      clockMs: options.clockMs?.(life) ?? 0,
      losesEvent: life === 0 ? (options.losesEvent ?? null) : null,
    }
    const log = openSync(logFile, 'a')
    const born = spawn(process.execPath, [entry, JSON.stringify(launch)], { env, stdio: ['ignore', log, log, 'ipc'] })
    closeSync(log)
    child = born
    born.on('message', (raw) => {
      if (Passed.safeParse(raw).success) return holding.resolve()
      const message = ChildMessage.safeParse(raw)
      if (!message.success) return
      if ('ready' in message.data) isReady = true
      else if ('rowsRead' in message.data) read[life] = Math.max(read[life] ?? 0, message.data.rowsRead ?? 0)
    })
    ended = new Promise((resolve) => {
      born.once('close', (code) => {
        resolve()
        isReady = false
        if (isStopping) return
        if (code !== null && code !== 0) exits.push(code)
        if (code !== 0) deaths += 1
        if (restart) void sleep(awayMs).then(() => isStopping || begin(null))
        awayMs = soonMs
      })
    })
  }
  begin(options.harm ?? null)
  return {
    name,
    roles,
    rowsRead: () => read.reduce((sum, rows) => sum + rows, 0),
    deaths: () => deaths,
    exits: () => exits,
    isReady: () => isReady,
    isFrozen: () => stateOf(child.pid) === 'T',
    holds: holding.promise,
    goOn: () => void (child.connected && child.send(goOn)),
    holdClaims: (ids) =>
      void (child.connected && child.send({ holdClaims: [...ids] } satisfies z.infer<typeof HoldClaims>)),
    setClock: (clockMs) => void (child.connected && child.send({ clockMs } satisfies z.infer<typeof ClockShift>)),
    kill: (away = soonMs) => {
      awayMs = away
      child.kill('SIGKILL')
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    restart: () => void child.kill('SIGTERM'),
    stop: async (graceMs) => {
      isStopping = true
      if (child.exitCode !== null || child.signalCode !== null) return 'ended'
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      let how: 'ended' | 'killed' = 'ended'
      const timer = setTimeout(() => {
        how = 'killed'
        child.kill('SIGKILL')
      }, graceMs)
      await ended
      clearTimeout(timer)
      return how
    },
  }
}

/** Sends the world's requests from a process of its own; sent again until one of them says that it was acknowledged. */
export async function request(
  world: World,
  ports: Ports,
  backfill: string,
  harm: Harm | null,
): Promise<{ readonly requestKey: string; readonly tries: number }> {
  const requestKey = `${world.name}/${backfill}`
  const log = openSync(join(world.folder, 'client.log'), 'a')
  for (let tries = 1; ; tries += 1) {
    const launch: Launch = {
      ...{ roles: [], kafkaPort: ports.kafkaPort, harm: tries === 1 ? harm : null, clockMs: 0, losesEvent: null },
      request: { requestKey, backfill, params: { pauseMs: world.pauseMs } },
    }
    const client = spawn(process.execPath, [entry, JSON.stringify(launch)], {
      env: environment(world, ports),
      stdio: ['ignore', log, log],
    })
    const code = await new Promise<number | null>((resolve) => client.once('close', resolve))
    if (code === 0) {
      closeSync(log)
      return { requestKey, tries }
    }
    if (tries === 5) throw new Error(`the request could not be sent: see ${join(world.folder, 'client.log')}`)
  }
}

/** With what the command line asks for itself: what one start compiled, the next one reads. */
const environment = (world: World, { postgresPort }: Ports): NodeJS.ProcessEnv => ({
  ...world.env(postgresPort),
  NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
})

/** The state letter of a process, as in proc(5); undefined when there is none. */
function stateOf(pid: number | undefined): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0]
  } catch {
    return undefined
  }
}

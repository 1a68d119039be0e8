import kafkajs, { type Admin } from 'kafkajs'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { pause } from '../work/pause.ts'

/**
 * One life of a worker: when it began, and something random. Of two lives under one worker id the later one stays, and
 * the order of the two is the same for everybody who looks.
 */
export const Incarnation = z.string().regex(/^\d{13}-[0-9a-f]{8}$/)
export type Incarnation = z.infer<typeof Incarnation>

export const incarnationOf = (begunAt: Date, random: () => number): Incarnation =>
  `${begunAt.getTime().toString().padStart(13, '0')}-${Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}`

const Life = z.object({ worker: z.string(), incarnation: Incarnation })
const lookAgainMs = 200

export interface WorkerLife extends z.infer<typeof Life> {
  readonly groupId: string
}

/**
 * Resolves when no later life of the worker is in the group, or the signal aborts. Throws TerminalError
 * (WORKER_ID_IN_USE) when there is one: this process has to end, or the two would evict each other for ever.
 */
export async function requireLatestLife(
  admin: Admin,
  { groupId, worker, incarnation }: WorkerLife,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { groups } = await admin.describeGroups([groupId])
    const [group] = groups
    if (group?.state === 'Stable') {
      const later = group.members
        .map(({ memberMetadata, clientHost }) => ({ life: lifeOf(memberMetadata), clientHost }))
        .find(({ life }) => life?.worker === worker && life.incarnation > incarnation)
      if (later === undefined) return
      throw new TerminalError(
        'WORKER_ID_IN_USE',
        `another worker uses the id "${worker}" (it began at ${begunAt(later.life?.incarnation)}, on ${later.clientHost}): ` +
          'this one ends. Give every worker an id of its own, by --worker-id or TIDEMARK_WORKER_ID',
      )
    }
    // Only a stable group tells what its members said of themselves.
    await pause(lookAgainMs, signal)
  }
}

function lifeOf(memberMetadata: Buffer): z.infer<typeof Life> | undefined {
  try {
    const decoded = kafkajs.AssignerProtocol.MemberMetadata.decode(memberMetadata)
    return Life.safeParse(JSON.parse(decoded?.userData.toString('utf8') ?? '')).data
  } catch {
    return undefined
  }
}

const begunAt = (incarnation = ''): string => new Date(Number(incarnation.slice(0, 13))).toISOString()

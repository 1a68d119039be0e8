// Reads: completed runs that are to be followed, and whether their sources have more. Writes: start requests, to the topic.
// On a crash: the request key is that of the run which is followed, so a request that is made again is a duplicate.
// Never: makes a run itself, or touches a source but to look.
import { messageOf, TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { RequestMessageInput } from '../contract/request.ts'
import type { Definitions, DiscoveredBackfill } from '../define/discover.ts'
import type { Leadership } from '../postgres/leadership.ts'
import type { Log } from '../process/log.ts'
import type { Source } from '../source/source.ts'
import type { ChainEnd, ChainStore } from './chain-store.ts'
import { type Looks, nextLookMs } from './next-look.ts'

export interface FollowDeps {
  readonly leadership: Leadership
  readonly chains: ChainStore
  readonly definitions: Definitions
  openSource(this: void, discovered: DiscoveredBackfill): Source
  /** Produces a request. */
  ask(this: void, request: RequestMessageInput): Promise<void>
  /** From one look at a source to the next, and from one run of a chain to the next, at least. */
  readonly everyMs: number
  now(this: void): Date
  readonly log: Log
}

/** Asks for the runs that are to follow others. What was looked at is remembered here: another leader looks at once. */
export function createFollower(deps: FollowDeps): (signal: AbortSignal) => Promise<boolean> {
  const seen = new Map<RunId, Looks>()
  return async (signal) => {
    if (!(await deps.leadership.held())) return false
    const ends = await deps.chains.ends()
    for (const id of seen.keys()) if (!ends.some((end) => end.id === id)) seen.delete(id)
    for (const end of ends) {
      signal.throwIfAborted()
      const looks = seen.get(end.id)
      const nowMs = deps.now().getTime()
      if (nowMs < nextLookMs(end.acceptedAt.getTime(), looks, deps.everyMs)) continue
      // First, so that one whose source cannot be asked does not hold up the others, nor is asked without end.
      seen.set(end.id, { count: (looks?.count ?? 0) + 1, lastAtMs: nowMs })
      await followOne(deps, end, signal).catch((error: unknown) => {
        // It was not asked for: not this long, but as soon as may be.
        if (looks === undefined) seen.delete(end.id)
        else seen.set(end.id, looks)
        throw error
      })
    }
    return false
  }
}

async function followOne(deps: FollowDeps, end: ChainEnd, signal: AbortSignal): Promise<void> {
  try {
    if (!(await hasMore(deps, end, signal))) return
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof TerminalError)) {
      deps.log.warn({ runId: end.id, error: messageOf(error) }, 'whether a run is to be followed cannot be known now')
      return
    }
    // The planner refuses with everything that is wrong, where whoever watches the topic sees it.
  }
  await deps.ask(followRequest(end))
  deps.log.info({ runId: end.id, backfill: end.backfill }, 'asked for the run that follows')
}

/** Throws TerminalError when the definition or the source is not what it was. */
async function hasMore(deps: FollowDeps, end: ChainEnd, signal: AbortSignal): Promise<boolean> {
  const discovered = deps.definitions.get(end.backfill)
  if (end.askedToFollow !== true && !discovered.backfill.follow) return false
  return (await deps.openSource(discovered).hasAbove?.(end.bounds, signal)) ?? false
}

/** Made of the run that is followed alone: whoever asks, and however often, asks for the same. */
export const followRequest = ({
  id,
  backfill,
  params,
  askedToFollow,
  priority,
  weight,
}: ChainEnd): RequestMessageInput => ({
  ...{ version: 1, type: 'start', requestKey: `follow/${id}`, backfill, params, follows: id, priority, weight },
  ...(askedToFollow === true ? { follow: true } : {}),
  requestedBy: 'tidemark',
})

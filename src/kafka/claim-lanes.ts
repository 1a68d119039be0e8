import type { Admin, Consumer } from 'kafkajs'
import { messageOf } from '../contract/errors.ts'
import type { Log } from '../process/log.ts'
import type { Lane } from '../work/lane.ts'
import { decodeOffsetMetadata } from '../work/offset-metadata.ts'
import { pause } from '../work/pause.ts'
import { committedPlaces } from './committed-places.ts'
import type { Held, HeldLanes } from './held-lanes.ts'
import type { OffsetCommitter } from './offset-committer.ts'

export interface ClaimLanesDeps {
  readonly consumer: Consumer
  readonly admin: Admin
  readonly groupId: string
  readonly topic: string
  readonly lanes: HeldLanes
  readonly committer: OffsetCommitter
  isStable(this: void): boolean
  /** Lanes are worked on from now on. */
  ready(this: void, lanes: readonly Lane[]): void
  readonly ended: AbortSignal
  readonly log: Log
}

/**
 * Reads where the last holder stopped, and commits the same again: only a commit that went out with a generation
 * proves that the group sees us as a member. Goes on until it succeeds or the lanes are gone.
 */
export function laneClaimer(deps: ClaimLanesDeps): (wanted: readonly Held[]) => Promise<void> {
  const { consumer, admin, groupId, topic, lanes, committer, isStable, ended, log } = deps
  let unreadable = 0

  const isWanted = (h: Held): boolean => lanes.isHeld(h) && !h.draining

  const notesOf = (topicPartition: number, metadata: string): ReturnType<typeof decodeOffsetMetadata> => {
    const window = decodeOffsetMetadata(metadata)
    if (window === undefined && metadata !== '') {
      unreadable += 1
      log.warn(
        { topicPartition, metadata: metadata.slice(0, 40), unreadable },
        'offset metadata is not ours, broken or newer: the checkpoint rows tell',
      )
    }
    return window
  }

  const claimOnce = async (wanted: readonly Held[]): Promise<boolean> => {
    const byPlace = new Map(wanted.map((h) => [h.lane.topicPartition, h]))
    const places = (await committedPlaces(admin, groupId, topic)).filter((place) => byPlace.has(place.topicPartition))
    if (!isStable()) return false
    const generation = await committer.claim(places)
    if (generation === undefined || !isStable()) return false
    const ready: Lane[] = []
    for (const { topicPartition, offset, metadata } of places) {
      const h = byPlace.get(topicPartition)
      if (h === undefined || !isWanted(h)) continue
      h.lane.resume(BigInt(offset), notesOf(topicPartition, metadata)?.tasks ?? [])
      h.claimed = generation
      consumer.seek({ topic, partition: topicPartition, offset: h.lane.position.toString() })
      ready.push(h.lane)
    }
    if (ready.length > 0) {
      consumer.resume([{ topic, partitions: ready.map((lane) => lane.topicPartition) }])
      deps.ready(ready)
    }
    log.info({ lanes: ready.length, generation }, 'lanes claimed')
    return true
  }

  return async (given) => {
    for (let delayMs = 100; !ended.aborted; delayMs = Math.min(delayMs * 2, 2_000)) {
      const wanted = given.filter(isWanted)
      if (wanted.length === 0) return
      try {
        if (isStable() && (await claimOnce(wanted))) return
      } catch (error) {
        log.info({ error: messageOf(error) }, 'lanes not claimed yet')
      }
      await pause(isStable() ? delayMs : 20, ended)
    }
  }
}

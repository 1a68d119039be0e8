import type { Service } from '../process/service.ts'
import type { Lane } from './lane.ts'

/** What the consumer tells the worker about its lanes. None of these may throw. */
export interface LaneHost {
  /** Tasks of these lanes may be taken from now on. */
  gained(lanes: readonly Lane[]): void
  /** Take no more tasks of these lanes; resolves when those running have stopped at their next chunk boundary. */
  drain(lanes: readonly Lane[]): Promise<void>
  /** Somebody else has these lanes already: give up at once, the fence protects the rows. */
  lost(lanes: readonly Lane[]): void
  /** Whether the lane takes another record. */
  hasRoom(lane: Lane): boolean
  /** Whether more is to be fetched for the lane. */
  wantsMore(lane: Lane): boolean
  /** A lane has more tasks waiting, or tasks may be begun again. */
  arrived(): void
}

/** Membership in the worker group: holds lanes, fills their queues, commits their offsets, and nobody else does. */
export interface TaskConsumer extends Service {
  /** A task of the lane is finished or parked: it may have room again. */
  roomIn(lane: Lane): void
  /**
   * False when this process was stopped or cut off for so long that its lanes may be somebody else's: then no task is to
   * be begun, for its claim would take the partition from that one. The host is told when it is true again.
   */
  isMember(): boolean
  /** Lanes of the topic, whoever holds them; known once it is started. */
  laneCount(): number
  /** Rejects when the process must end and be restarted. */
  readonly failed: Promise<never>
}

export type OpenTaskConsumer = (host: LaneHost) => TaskConsumer

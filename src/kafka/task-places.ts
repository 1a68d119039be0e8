import type { PartitionId } from '../contract/ids.ts'
import type { LanePlace, PassedTask } from '../supervise/lane-findings.ts'

export interface Place {
  readonly topicPartition: number
  readonly offset: bigint
}

/** How far the group is on a topic partition, and where that begins by now. */
export interface Reach extends Pick<LanePlace, 'topicPartition' | 'committed'> {
  readonly low: bigint
}

/** Where the open tasks of each partition stand: a copy on another lane may pass while the task itself is still open. */
export interface TaskPlaces {
  put(partitionId: PartitionId, place: Place): void
  /** Forgets the places that are below the committed offsets; returns those of them that the topic still has. */
  pass(lanes: readonly Reach[]): readonly PassedTask[]
  covers(this: void, partitionId: PartitionId): boolean
}

export function createTaskPlaces(): TaskPlaces {
  // Of each lane the newest: until that is passed, the lane is open for its partition.
  const open = new Map<PartitionId, readonly Place[]>()
  return {
    put: (partitionId, place) => {
      const elsewhere = open.get(partitionId)?.filter(({ topicPartition }) => topicPartition !== place.topicPartition)
      open.set(partitionId, [...(elsewhere ?? []), place])
    },
    pass: (lanes) => {
      const byLane = new Map(lanes.map((lane) => [lane.topicPartition, lane]))
      const passed: PassedTask[] = []
      for (const [partitionId, places] of open) {
        const left = places.filter((place) => {
          const { committed = null, low = 0n } = byLane.get(place.topicPartition) ?? {}
          const isOpen = place.offset >= (committed ?? low)
          if (!isOpen && place.offset >= low) passed.push({ partitionId, ...place })
          return isOpen
        })
        if (left.length === places.length) continue
        if (left.length === 0) open.delete(partitionId)
        else open.set(partitionId, left)
      }
      return passed
    },
    covers: (partitionId) => open.has(partitionId),
  }
}

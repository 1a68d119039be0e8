import type { Lane } from './lane.ts'
import type { LaneHost } from './task-consumer.ts'

export interface WatchedLanes {
  /** To be told of the lanes in the host's place; the host hears all of it. */
  readonly host: LaneHost
  /** Those that are held now. */
  held(): readonly Lane[]
}

/** Listens to what a worker is told of its lanes. */
export function watchLanes(host: LaneHost): WatchedLanes {
  const lanes = new Set<Lane>()
  const forget = (gone: readonly Lane[]): void => {
    for (const lane of gone) lanes.delete(lane)
  }
  return {
    held: () => [...lanes],
    host: {
      ...host,
      gained: (gained) => {
        for (const lane of gained) lanes.add(lane)
        host.gained(gained)
      },
      drain: async (leaving) => {
        await host.drain(leaving)
        forget(leaving)
      },
      lost: (gone) => {
        forget(gone)
        host.lost(gone)
      },
    },
  }
}

import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import type { Lane } from './lane.ts'
import { pause } from './pause.ts'
import { type RunTaskDeps, runTask } from './run-task.ts'
import type { LaneHost, OpenTaskConsumer } from './task-consumer.ts'

export interface WorkerDeps {
  readonly openConsumer: OpenTaskConsumer
  readonly task: RunTaskDeps
  /** Tasks worked on at the same time, over all lanes. */
  readonly slots: number
  /** Tasks of one lane at the same time. */
  readonly slotsPerLane: number
  readonly log: Log
}

interface RunningTask {
  readonly lane: Lane
  readonly stop: AbortController
  readonly settled: Promise<void>
}

/**
 * Reads tasks from its lanes, writes rows and checkpoints to sinks, tells each durable step on the status topic.
 * On a crash nothing is lost: the claim of the next holder resumes at the checkpoint row. A lane that is kept over a
 * rebalance never stops. Never commits an offset itself: the consumer does, from what the lanes say.
 */
export function createWorker(deps: WorkerDeps): Service & { readonly failed: Promise<never> } {
  const { slots, slotsPerLane, log } = deps
  const lanes = new Set<Lane>()
  const tasks = new Set<RunningTask>()
  const ended = new AbortController()
  /** Lane to serve first at the next look: every lane gets its turn. */
  let turn = 0

  const schedule = (): void => {
    while (!ended.signal.aborted && tasks.size < slots) {
      const lane = nextLane()
      const taken = lane?.take()
      if (lane === undefined || taken === undefined) return
      begin(lane, taken)
    }
  }

  const nextLane = (): Lane | undefined => {
    const all = [...lanes]
    for (let step = 0; step < all.length; step += 1) {
      const lane = all[(turn + step) % all.length]
      if (lane === undefined || lane.waiting === 0 || lane.running >= slotsPerLane) continue
      turn = (turn + step + 1) % all.length
      return lane
    }
    return undefined
  }

  const begin = (lane: Lane, { offset, task }: NonNullable<ReturnType<Lane['take']>>): void => {
    const stop = new AbortController()
    const work = async (): Promise<void> => {
      const outcome = await runTask(deps.task, task, lane.topicPartition, stop.signal, (checkpoint) => {
        lane.advance(offset, checkpoint)
      })
      if (outcome === 'finished') {
        lane.finish(offset)
        consumer.roomIn(lane)
      } else {
        lane.release(offset, task)
        // A task on a lane that is still ours and was fenced: a duplicate elsewhere has it. Looked at again, not spun on.
        if (outcome === 'fenced') await pause(1_000, ended.signal)
      }
    }
    const running: RunningTask = {
      lane,
      stop,
      settled: work()
        .catch((error: unknown) => {
          log.error({ partitionId: task.partitionId, error }, 'a task ended in a way it never should')
          failure.reject(error)
        })
        .finally(() => {
          tasks.delete(running)
          schedule()
        }),
    }
    tasks.add(running)
  }

  const stopTasks = async (of: readonly Lane[]): Promise<void> => {
    const stopping = [...tasks].filter((task) => of.includes(task.lane))
    for (const task of stopping) task.stop.abort()
    await Promise.all(stopping.map((task) => task.settled))
  }

  const host: LaneHost = {
    gained: (gained) => {
      for (const lane of gained) lanes.add(lane)
      schedule()
    },
    drain: async (leaving) => {
      for (const lane of leaving) lanes.delete(lane)
      await stopTasks(leaving)
    },
    lost: (gone) => {
      for (const lane of gone) lanes.delete(lane)
      void stopTasks(gone)
    },
    arrived: schedule,
  }
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  const consumer = deps.openConsumer(host)
  consumer.failed.catch(failure.reject)

  return {
    failed: failure.promise,
    start: () => consumer.start(),
    stop: async () => {
      ended.abort()
      // The consumer drains every lane through the host, commits, and leaves the group.
      await consumer.stop()
    },
  }
}

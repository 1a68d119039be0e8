import type { PauseRequest } from '../contract/request.ts'
import { budgetRequest } from '../plan/park-request.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import { cancelTask } from './cancel-task.ts'
import { intentChanged } from './intents.ts'
import type { Lane } from './lane.ts'
import type { IntentHost, ObeyedIntents } from './obey-intents.ts'
import { createPace } from './pace.ts'
import { pause } from './pause.ts'
import { type RunTaskDeps, runTask } from './run-task.ts'
import type { LaneHost, OpenTaskConsumer } from './task-consumer.ts'
import { TaskMemory } from './task-memory.ts'

export interface WorkerDeps {
  readonly openConsumer: OpenTaskConsumer
  openIntents(this: void, host: IntentHost): ObeyedIntents
  readonly task: Omit<RunTaskDeps, 'parkRun' | 'pace' | 'mayClaim'>
  /** Asks for a pause; the planner decides. */
  ask(this: void, request: PauseRequest): Promise<void>
  /** Tasks worked on at the same time, over all lanes. */
  readonly slots: number
  /** Tasks of one lane at the same time. */
  readonly slotsPerLane: number
  readonly log: Log
}

type Taken = NonNullable<ReturnType<Lane['take']>>

interface RunningTask {
  readonly lane: Lane
  readonly task: Taken['task']
  /** It is being cancelled: it writes no rows. */
  readonly isEnding: boolean
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
  /** By the task itself, which is the same object while its lane is held. */
  const memories = new WeakMap<Taken['task'], TaskMemory>()
  /** Failed tasks whose time to be tried again has not come. */
  const resting = new Set<Taken['task']>()
  /** Lane to serve first at the next look: every lane gets its turn. */
  let turn = 0

  const schedule = (): void => {
    while (!ended.signal.aborted && tasks.size < slots && consumer.isMember()) {
      const next = takeNext()
      if (next === undefined) return
      begin(next.lane, next.taken)
    }
  }

  /** What was begun is ended before more is begun: after a hand-over nothing stands half done behind a queue. */
  const takeNext = (): { lane: Lane; taken: Taken } | undefined =>
    takeFrom((lane) => lane.takeBegun(isParked)) ?? takeFrom((lane) => lane.take(isParked))

  const takeFrom = (take: (lane: Lane) => Taken | undefined): { lane: Lane; taken: Taken } | undefined => {
    const all = [...lanes]
    for (let step = 0; step < all.length; step += 1) {
      const lane = all[(turn + step) % all.length]
      if (lane === undefined || lane.waiting === 0 || lane.running >= slotsPerLane) continue
      const taken = take(lane)
      if (taken === undefined) continue
      turn = (turn + step + 1) % all.length
      return { lane, taken }
    }
    return undefined
  }

  /** A task of a paused run or partition, or one that rests after a failure, keeps its place in the lane, and nothing else. */
  const isParked = (task: Taken['task']): boolean => {
    const intent = intents.of(task)
    return intent === 'paused' || (intent === 'running' && resting.has(task))
  }

  const rest = (task: Taken['task'], restMs: number): void => {
    resting.add(task)
    void pause(restMs, ended.signal).then(() => {
      resting.delete(task)
      schedule()
    })
  }

  const memoryOf = (task: Taken['task']): TaskMemory => {
    const memory = memories.get(task) ?? new TaskMemory()
    memories.set(task, memory)
    return memory
  }

  const taskDeps: RunTaskDeps = {
    ...deps.task,
    parkRun: (runId) => deps.ask(budgetRequest(runId, intents.sequenceOf(runId))),
    mayClaim: () => consumer.isMember(),
    pace: createPace({
      settingsOf: (runId) => intents.settingsOf(runId),
      // A lane is worked on by one worker at a time: the parts add up to what is allowed, or to less.
      share: () => lanes.size / Math.max(lanes.size, consumer.laneCount(), 1),
      nowMs: () => performance.now(),
    }),
  }

  const begin = (lane: Lane, { offset, task }: Taken): void => {
    const stop = new AbortController()
    const isEnding = intents.of(task) === 'cancelled'
    const place = { topicPartition: lane.topicPartition, offset }
    const work = async (): Promise<void> => {
      const outcome = isEnding
        ? await cancelTask(taskDeps, task, place, stop.signal)
        : await runTask(taskDeps, task, place, memoryOf(task), stop.signal, (checkpoint) => {
            lane.advance(offset, checkpoint)
          })
      if (outcome === 'finished') {
        lane.finish(offset)
        consumer.roomIn(lane)
      } else {
        if (typeof outcome === 'object') rest(task, outcome.restMs)
        lane.release(offset, task)
        consumer.roomIn(lane)
        // On a lane that is still ours a duplicate elsewhere has it: looked at again, not spun on. Its slot waits too, for
        // a worker that is fenced may not know yet that all of its lanes are somebody else's.
        if (outcome === 'fenced') await pause(1_000, AbortSignal.any([ended.signal, stop.signal]))
      }
    }
    const running: RunningTask = {
      lane,
      task,
      isEnding,
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

  const obey = async (runId: string): Promise<void> => {
    const unwanted = [...tasks].filter(
      ({ task, isEnding }) => task.runId === runId && !isEnding && intents.of(task) !== 'running',
    )
    for (const { stop } of unwanted) stop.abort(intentChanged)
    for (const lane of lanes) consumer.roomIn(lane)
    schedule()
    await Promise.all(unwanted.map(({ settled }) => settled))
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
    hasRoom: (lane) => lane.hasRoom(isParked),
    wantsMore: (lane) => lane.wantsMore(isParked),
  }
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  const consumer = deps.openConsumer(host)
  consumer.failed.catch(failure.reject)
  const intents = deps.openIntents({ obey })
  intents.failed.catch(failure.reject)

  return {
    failed: failure.promise,
    start: async () => {
      // Before the first task: what a person wants of its run must be known.
      await intents.start()
      await consumer.start()
    },
    stop: async () => {
      ended.abort()
      // The consumer drains every lane through the host, commits, and leaves the group.
      await consumer.stop()
      await intents.stop()
    },
  }
}

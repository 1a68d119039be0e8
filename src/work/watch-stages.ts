import type { StatusEvent } from '../contract/status.ts'
import type { Holding, Sink } from '../sink/sink.ts'
import type { Page, Source } from '../source/source.ts'
import type { OpenBackfill } from './hold-partition.ts'
import type { EnterStage } from './stage-watch.ts'

const subjectOf = ({ index, partitionId }: Pick<Holding, 'index' | 'partitionId'>): string =>
  `partition ${index} (${partitionId})`

/** What is opened for one hold on a partition, with each wait in it seen by the watch. */
export function watchStages(opened: OpenBackfill, enter: EnterStage): OpenBackfill {
  let subject = 'a partition not yet claimed'
  let leaveTransform = (): void => {}
  const enterTransform = (): void => {
    leaveTransform = enter('transform', subject)
  }
  const during = async <T>(stage: 'claim' | 'write', work: () => Promise<T>): Promise<T> => {
    leaveTransform()
    const leave = enter(stage, subject)
    try {
      return await work()
    } finally {
      leave()
    }
  }
  const sink: Sink = {
    ...opened.sink,
    claim: (holding, mayClaim) => {
      subject = subjectOf(holding)
      return during('claim', () => opened.sink.claim(holding, mayClaim))
    },
    commit: (chunk) => during('write', () => opened.sink.commit(chunk)),
    trial: (chunk, act) => opened.sink.trial(chunk, (trial) => act((buffer) => during('write', () => trial(buffer)))),
    fail: (holding, ...rest) => during('write', () => opened.sink.fail(holding, ...rest)),
  }
  const source: Source = {
    check: (signal) => opened.source.check(signal),
    pin: (...given) => opened.source.pin(...given),
    read: (...given) => ({
      [Symbol.asyncIterator]: (): AsyncIterator<Page> => {
        const pages = opened.source.read(...given)[Symbol.asyncIterator]()
        return {
          next: async () => {
            leaveTransform()
            const leave = enter('read', subject)
            try {
              const page = await pages.next()
              // From here until the chunk is written or given up, the user's function has it.
              if (page.done !== true) enterTransform()
              return page
            } finally {
              leave()
            }
          },
          return: async () => {
            leaveTransform()
            await pages.return?.()
            return { done: true, value: undefined }
          },
        }
      },
    }),
  }
  return { ...opened, source, sink }
}

export function watchTell(
  tell: (events: readonly StatusEvent[]) => Promise<void>,
  enter: EnterStage,
): (events: readonly StatusEvent[]) => Promise<void> {
  return async (events) => {
    const [first] = events
    const leave = enter('tell', first !== undefined && 'partitionId' in first ? subjectOf(first) : 'a run')
    try {
      await tell(events)
    } finally {
      leave()
    }
  }
}

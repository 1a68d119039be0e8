// Runs without servers: the control topic is handed over by the test.
import { expect, test } from 'vitest'
import type { ControlMessage, Intent } from '../../src/contract/control.ts'
import { noSettings } from '../../src/contract/settings.ts'
import type { Acknowledgement, StatusEvent } from '../../src/contract/status.ts'
import type { ControlFeed } from '../../src/work/control-feed.ts'
import { type ObeyedIntents, obeyIntents } from '../../src/work/obey-intents.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

const runId = '019aa000-0000-7000-8000-000000000001'
const say = (sequence: number, intent: Intent): ControlMessage => ({
  ...{ version: 1, runId, backfill: 'orders-v2', sequence, intent, partitions: [], at: '2026-11-23T12:00:00Z' },
})

interface World {
  readonly intents: ObeyedIntents
  readonly told: Acknowledgement[]
  hand(...messages: ControlMessage[]): void
  /** How obeying is gone about. */
  obey: () => Promise<void>
  /** Whether anybody can be told. */
  setAway(isAway: boolean): void
}

function world(standing: readonly ControlMessage[]): World {
  const queue: ControlMessage[] = [...standing]
  let wake = (): void => {}
  const caughtUp = Promise.withResolvers<void>()
  const told: Acknowledgement[] = []
  let isAway = false
  const openFeed = async (signal: AbortSignal): Promise<ControlFeed> => {
    signal.addEventListener('abort', () => wake())
    return {
      caughtUp: caughtUp.promise,
      async *[Symbol.asyncIterator]() {
        for (;;) {
          for (let one = queue.shift(); one !== undefined; one = queue.shift()) yield one
          caughtUp.resolve()
          if (signal.aborted) return
          const waiting = Promise.withResolvers<void>()
          wake = waiting.resolve
          await waiting.promise
        }
      },
    }
  }
  const around: World = {
    intents: obeyIntents(
      {
        openFeed,
        tell: async (events: readonly StatusEvent[]) => {
          if (isAway) throw new Error('Kafka is away')
          for (const event of events) if (event.type === 'intent.acknowledged') told.push(event)
        },
        worker: 'worker-1',
        now: () => new Date(),
        log: silentLog,
      },
      { obey: () => around.obey() },
    ),
    told,
    hand: (...messages) => {
      queue.push(...messages)
      wake()
    },
    obey: async () => {},
    setAway: (is) => {
      isAway = is
    },
  }
  return around
}

const sequences = ({ told }: World): number[] => told.map(({ sequence }) => sequence)
const acknowledged = (around: World, sequence: number): Promise<true> =>
  eventually(`acknowledgement of ${sequence}`, async () => sequences(around).includes(sequence) || undefined)

test('started, it knows what stood in the topic, and says so of the newest only', async () => {
  const around = world([say(1, 'paused'), say(2, 'running'), say(3, 'paused')])
  await around.intents.start()
  expect(around.intents.of({ runId, partitionId: runId })).toBe('paused')
  await acknowledged(around, 3)
  expect(around.told).toMatchObject([{ sequence: 3, intent: 'paused', worker: 'worker-1', atStart: true }])
  await around.intents.stop()
})

test('what a run is tuned to holds before it is acknowledged, from the start on', async () => {
  const tuned = { ...noSettings, chunkRows: 500 }
  const around = world([{ ...say(1, 'running'), settings: tuned }])
  const obeyed: unknown[] = []
  around.obey = async () => void obeyed.push(around.intents.settingsOf(runId))
  await around.intents.start()
  expect(around.intents.settingsOf(runId)).toEqual(tuned)
  const next = { ...tuned, rowsPerSecond: 20 }
  around.hand({ ...say(2, 'running'), settings: next }, { ...say(1, 'running'), settings: tuned })
  await acknowledged(around, 2)
  expect(obeyed).toEqual([tuned, next])
  expect(around.intents.settingsOf(runId)).toEqual(next)
  await around.intents.stop()
})

test('doubled and reordered messages are obeyed and acknowledged once', async () => {
  const around = world([])
  await around.intents.start()
  around.hand(say(2, 'paused'), say(1, 'running'), say(2, 'paused'))
  await acknowledged(around, 2)
  around.hand(say(2, 'paused'), say(3, 'running'))
  await acknowledged(around, 3)
  expect(around.told.map(({ sequence, intent, atStart }) => [sequence, intent, atStart])).toEqual([
    [2, 'paused', false],
    [3, 'running', false],
  ])
  await around.intents.stop()
})

test('it is acknowledged when it is obeyed, not before; and what was overtaken meanwhile is not acknowledged', async () => {
  const around = world([])
  const settled = Promise.withResolvers<void>()
  let asked = 0
  around.obey = () => {
    asked += 1
    return asked === 1 ? settled.promise : Promise.resolve()
  }
  await around.intents.start()
  around.hand(say(1, 'paused'))
  await eventually('the first is being obeyed', async () => asked === 1 || undefined)
  around.hand(say(2, 'running'))
  await acknowledged(around, 2)
  settled.resolve()
  around.hand(say(3, 'paused'))
  await acknowledged(around, 3)
  expect(sequences(around)).toEqual([2, 3])
  await around.intents.stop()
})

test('while nobody can be told it goes on trying', async () => {
  const around = world([])
  around.setAway(true)
  await around.intents.start()
  around.hand(say(1, 'paused'))
  await eventually('obeyed', async () => around.intents.of({ runId, partitionId: runId }) === 'paused' || undefined)
  around.setAway(false)
  await acknowledged(around, 1)
  await around.intents.stop()
})

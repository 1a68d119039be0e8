import { expect, test } from 'vitest'
import { repeatedly } from '../../src/process/repeatedly.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

const hour = 3_600_000

test('it is done once at the start, again when wanted, and at once while there is more', async () => {
  const done: number[] = []
  const more = [true, true, false, false, true, false]
  const repeated = repeatedly({
    ...{ everyMs: hour, what: 'it', log: silentLog },
    act: async () => {
      done.push(done.length)
      return more.shift() ?? false
    },
  })
  await repeated.start()
  await eventually('three times', async () => done.length === 3 || undefined)
  repeated.soon()
  await eventually('four times', async () => done.length === 4 || undefined)
  repeated.soon()
  await eventually('six times', async () => done.length === 6 || undefined)
  await repeated.stop()
  repeated.soon()
  expect(done).toHaveLength(6)
})

test('what is wanted while it is being done is done after it, and a failure is tried again', async () => {
  const began = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const goOn = Promise.withResolvers<void>()
  let times = 0
  const repeated = repeatedly({
    ...{ everyMs: 1, what: 'it', log: silentLog },
    act: async () => {
      began[times]?.resolve()
      times += 1
      if (times === 1) throw new Error('away')
      await goOn.promise
      return false
    },
  })
  await repeated.start()
  await began[1]?.promise
  repeated.soon()
  goOn.resolve()
  await began[2]?.promise
  await repeated.stop()
})

test('stopping waits for what is being done, and tells it', async () => {
  const began = Promise.withResolvers<void>()
  let isOver = false
  const repeated = repeatedly({
    ...{ everyMs: hour, what: 'it', log: silentLog },
    act: async (signal) => {
      began.resolve()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      isOver = true
      return true
    },
  })
  await repeated.start()
  await began.promise
  await repeated.stop()
  expect(isOver).toBe(true)
})

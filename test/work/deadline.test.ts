import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { createDeadline } from '../../src/work/deadline.ts'

const never = (): Promise<never> => new Promise(() => {})
const hour = 3_600_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('a deadline', () => {
  test('gives what the work gives, or throws, one after the other', async () => {
    const deadline = createDeadline({ chunkTimeoutMs: hour, partitionTimeoutMs: null }, 0)
    const done = deadline.chunk()
    expect(await deadline.within(Promise.resolve(1))).toBe(1)
    await expect(deadline.within(Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await deadline.within(Promise.resolve(2))).toBe(2)
    done()
    deadline.end()
    expect(deadline.signal.aborted).toBe(false)
  })

  test('of a chunk passes while it is worked on, not after its end', async () => {
    const deadline = createDeadline({ chunkTimeoutMs: 100, partitionTimeoutMs: null }, 0)
    deadline.chunk()()
    const late = Promise.withResolvers<number>()
    const began = performance.now()
    deadline.chunk()
    const given = deadline.within(late.promise)
    await expect(given).rejects.toThrow(RetryableError)
    await expect(given).rejects.toMatchObject({ code: 'TIMED_OUT', message: expect.stringContaining('100 ms') })
    expect(performance.now() - began).toBeGreaterThanOrEqual(95)
    expect(deadline.signal.reason).toMatchObject({ code: 'TIMED_OUT' })
    // Nobody hears how it ended in the end, and nothing more begins.
    late.reject(new Error('too late'))
    await expect(deadline.within(Promise.resolve(1))).rejects.toThrow('100 ms')
  })

  test('of a partition counts what was worked before', async () => {
    const deadline = createDeadline({ chunkTimeoutMs: hour, partitionTimeoutMs: hour }, hour - 50)
    const given = deadline.within(never())
    await expect(given).rejects.toThrow(TerminalError)
    await expect(given).rejects.toMatchObject({ code: 'PARTITION_TIMED_OUT' })
  })

  test('of a partition stands still while it rests', async () => {
    const deadline = createDeadline({ chunkTimeoutMs: hour, partitionTimeoutMs: hour }, hour - 50)
    const rest = new Promise((resolve) => setTimeout(resolve, 150, 'rested'))
    expect(await deadline.resting(rest)).toBe('rested')
    expect(deadline.signal.aborted).toBe(false)
    await expect(deadline.within(never())).rejects.toMatchObject({ code: 'PARTITION_TIMED_OUT' })
    deadline.end()
    const worked = deadline.workedMs()
    expect(worked).toBeGreaterThanOrEqual(45)
    expect(deadline.workedMs()).toBe(worked)
  })

  test('keeps nothing of what passed through it', async () => {
    const deadline = createDeadline({ chunkTimeoutMs: hour, partitionTimeoutMs: null }, 0)
    const pages: WeakRef<Uint8Array>[] = []
    for (let count = 0; count < 400; count += 1) {
      const page = new Uint8Array(1024)
      pages.push(new WeakRef(page))
      const done = deadline.chunk()
      await deadline.within(Promise.resolve(page))
      done()
    }
    // What a weak reference was made for lives to the end of that job. Not the size of buffers: they are freed later, by another thread.
    await setImmediate()
    collectGarbage()
    expect(pages.filter((page) => page.deref() !== undefined).length).toBeLessThan(5)
    deadline.end()
  })
})

import { expect, test, vi } from 'vitest'
import { killWorkers } from '../../../src/cli/run/kill-workers.ts'

test('kills one worker at a time until it is told to stop', async () => {
  const kill = vi.fn(() => true)
  const notes: string[] = []
  const over = new AbortController()
  const random = vi.fn(() => 0.99)
  const done = killWorkers({ workers: () => ['worker-1', 'worker-2'], kill }, 5, random, over.signal, (text) => {
    notes.push(text)
    if (notes.length === 3) over.abort()
  })
  await done
  expect(kill.mock.calls).toEqual([['worker-2'], ['worker-2'], ['worker-2']])
  expect(notes[0]).toBe('killed worker-2')
})

test('with no worker alive there is nobody to kill', async () => {
  const kill = vi.fn(() => true)
  const over = AbortSignal.timeout(30)
  await killWorkers(
    { workers: () => [], kill },
    5,
    () => 0,
    over,
    () => {},
  )
  expect(kill).not.toHaveBeenCalled()
})

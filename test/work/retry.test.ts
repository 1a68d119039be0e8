import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { afterFailure, type RetryPolicy } from '../../src/work/retry.ts'

const policy: RetryPolicy = { maxAttempts: 3, baseMs: 100, capMs: 1_000 }
const busy = new RetryableError('SINK_BUSY', 'deadlock')

describe('afterFailure', () => {
  test('a terminal error is not tried again', () => {
    expect(afterFailure(new TerminalError('ROW_INVALID', 'x'), 1, policy, () => 0)).toEqual({
      kind: 'fail',
      reason: 'ROW_INVALID',
    })
  })

  test('a failure that may pass is tried again, up to the limit', () => {
    expect(afterFailure(busy, 2, policy, () => 0.5)).toEqual({ kind: 'retry', delayMs: 100, countsAsAttempt: true })
    expect(afterFailure(busy, 3, policy, () => 0.5)).toEqual({ kind: 'fail', reason: 'ATTEMPTS_EXHAUSTED' })
    expect(afterFailure(new Error('what?'), 3, policy, () => 0.5)).toEqual({
      kind: 'fail',
      reason: 'ATTEMPTS_EXHAUSTED',
    })
  })

  test('a server that is away never fails a partition', () => {
    const away = new RetryableError('POSTGRES_UNREACHABLE', 'gone')
    expect(afterFailure(away, 1_000, policy, () => 1)).toEqual({
      kind: 'retry',
      delayMs: 1_000,
      countsAsAttempt: false,
    })
  })

  test.prop([fc.integer({ min: 1, max: 2 }), fc.double({ min: 0, max: 1, noNaN: true })])(
    'the delay lies between 0 and the doubled base, below the cap',
    (attempt, random) => {
      const decision = afterFailure(busy, attempt, policy, () => random)
      if (decision.kind !== 'retry') throw new Error('expected a retry')
      expect(decision.delayMs).toBeGreaterThanOrEqual(0)
      expect(decision.delayMs).toBeLessThanOrEqual(Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1)))
    },
  )
})

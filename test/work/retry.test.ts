import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { type RetryableCode, RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { afterFailure, type Decision, type FailuresHere, noFailures, type RetryPolicy } from '../../src/work/retry.ts'

const policy: RetryPolicy = { maxAttempts: 3, baseMs: 100, capMs: 1_000 }
const failed = (code: RetryableCode): RetryableError => new RetryableError(code, 'x')

/** The same failure again and again at one place, until it is decided otherwise; at most `tries` times. */
function repeated(error: unknown, chunkRows: number, tries = 100): Decision[] {
  const decisions: Decision[] = []
  for (let here: FailuresHere = noFailures(chunkRows); decisions.length < tries; ) {
    const decision = afterFailure(error, here, policy, () => 0.5)
    decisions.push(decision)
    if (decision.kind !== 'again') break
    here = decision.after
  }
  return decisions
}

describe('afterFailure', () => {
  test.each(['SINK_NOT_WRITABLE', 'NO_PROGRESS', 'ROW_INVALID', 'CONFIG_INVALID', 'PARTITION_TIMED_OUT'] as const)(
    '%s is not tried again',
    (code) => {
      expect(repeated(new TerminalError(code, 'x'), 100)).toEqual([{ kind: 'fail', reason: code, attempts: 1 }])
    },
  )

  test.each([
    'KAFKA_UNREACHABLE',
    'POSTGRES_UNREACHABLE',
    'REGISTRY_UNREACHABLE',
    'OUTCOME_UNKNOWN',
    'SINK_BUSY',
    'SINK_FULL',
  ] as const)('%s never fails a partition, costs no attempt and leaves the chunk as large as it is', (code) => {
    const last = repeated(failed(code), 100).at(-1)
    expect(last).toMatchObject({ kind: 'again', split: false, delayMs: 500 })
    expect(last).toMatchObject({ after: { attempts: 0, failures: 100, chunkRows: 100, halvings: 0 } })
  })

  test.each(['TIMED_OUT', 'CHUNK_TOO_LARGE'] as const)(
    '%s halves the chunk down to one row, wants a split once, and then has its attempts',
    (code) => {
      const decisions = repeated(failed(code), 100)
      expect(decisions.map((decision) => (decision.kind === 'again' ? decision.after.chunkRows : null))).toEqual([
        ...[50, 25, 12, 6, 3, 1],
        null,
      ])
      expect(decisions.map((decision) => decision.kind === 'again' && decision.split)).toEqual([
        ...[false, false, true, false, false, false],
        false,
      ])
      expect(decisions.at(-1)).toEqual({ kind: 'fail', reason: 'ATTEMPTS_EXHAUSTED', attempts: 7 })
      // From one row on it is the number of attempts that counts.
      expect(repeated(failed(code), 1)).toHaveLength(policy.maxAttempts)
    },
  )

  test('what nobody foresaw has its attempts, whatever was thrown', () => {
    for (const error of [new Error('what?'), 'a text', undefined, null, { code: 'SINK_BUSY' }]) {
      const decisions = repeated(error, 100)
      expect(decisions).toHaveLength(policy.maxAttempts)
      expect(decisions.at(-1)).toEqual({ kind: 'fail', reason: 'ATTEMPTS_EXHAUSTED', attempts: 3 })
    }
  })

  test('an outage in between does not use up the attempts', () => {
    const unknown = afterFailure(new Error('what?'), noFailures(10), policy, () => 0)
    if (unknown.kind !== 'again') throw new Error('expected another try')
    const away = afterFailure(failed('POSTGRES_UNREACHABLE'), unknown.after, policy, () => 0)
    expect(away).toMatchObject({ kind: 'again', after: { attempts: 1, failures: 2 } })
  })

  test('a spent error budget parks the run, and the partition keeps its place', () => {
    expect(repeated(new TerminalError('ERROR_BUDGET_SPENT', 'x'), 100)).toEqual([{ kind: 'parkRun' }])
  })

  test.prop([
    fc.constantFrom<unknown>(
      failed('SINK_BUSY'),
      failed('TIMED_OUT'),
      new Error('?'),
      new TerminalError('NO_PROGRESS', '!'),
    ),
    fc.record({
      failures: fc.integer({ min: 0, max: 2_000 }),
      attempts: fc.nat(20),
      halvings: fc.nat(20),
      chunkRows: fc.integer({ min: 1, max: 500_000 }),
    }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])(
    'delays lie between 0 and the doubled base, below the cap; nothing that was counted is forgotten',
    (error, before, random) => {
      const decision = afterFailure(error, before, policy, () => random)
      if (decision.kind !== 'again') return
      expect(decision.delayMs).toBeGreaterThanOrEqual(0)
      expect(decision.delayMs).toBeLessThanOrEqual(Math.min(policy.capMs, policy.baseMs * 2 ** before.failures))
      expect(decision.after.failures).toBe(before.failures + 1)
      expect(decision.after.attempts).toBeGreaterThanOrEqual(before.attempts)
      expect(decision.after.chunkRows).toBeGreaterThanOrEqual(1)
      expect(decision.after.chunkRows).toBeLessThanOrEqual(before.chunkRows)
    },
  )
})

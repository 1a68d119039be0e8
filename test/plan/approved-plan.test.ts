import { expect, it } from 'vitest'
import { requireApproved } from '../../src/plan/approved-plan.ts'

const hash = (digit: string): string => digit.repeat(64)
const range = { kind: 'integer', from: '0', to: '100' } as const
const now = { planHash: hash('1'), definitionHash: hash('2'), range, partitions: 10 }

it('lets a request pass that approves of nothing, or of what planning gives', () => {
  expect(() => requireApproved({ backfill: 'orders' }, now)).not.toThrow()
  expect(() => requireApproved({ backfill: 'orders', plan: { id: hash('1') } }, now)).not.toThrow()
})

it('says what changed, as far as that can be known', () => {
  const before = { id: hash('9'), definitionHash: hash('8'), range: { ...range, to: '90' }, partitions: 9 }
  expect(() => requireApproved({ backfill: 'orders', plan: before }, now)).toThrow(
    expect.objectContaining({
      code: 'PLAN_STALE',
      reasons: [
        'plan 999999999999… of "orders" is out of date: the definition was changed',
        'plan 999999999999… of "orders" is out of date: the range was 0 to 90 and is 0 to 100',
        'plan 999999999999… of "orders" is out of date: there were 9 partitions and are 10',
      ],
    }),
  )
  expect(() => requireApproved({ backfill: 'orders', plan: { id: hash('9') } }, now)).toThrow(
    'plan 999999999999… of "orders" is out of date: definition, bounds or files are not what they were: now 0 to 100 in 10 partitions: look at it again with "tidemark plan orders"',
  )
})

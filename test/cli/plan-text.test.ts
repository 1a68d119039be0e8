import { expect, it } from 'vitest'
import { planText } from '../../src/cli/plan-text.ts'
import type { PlanReport } from '../../src/contract/plan-report.ts'

const hash = 'a'.repeat(64)
const runId = '019aa000-0000-7000-8000-000000000001'
const report: PlanReport = {
  ...{
    version: 1,
    backfill: 'orders',
    definitionHash: hash,
    planId: hash,
    params: {},
    target: 'db:5432/shop/public.orders',
  },
  range: { kind: 'integer', from: '0', to: '30' },
  ...{
    rule: 'rows whose id is from 0 to before 30',
    why: null,
    partitions: 1,
    rows: null,
    conflicts: [],
    warnings: [],
    forecast: null,
  },
  selection: null,
  listed: [{ index: 0, from: '20', to: '30', locator: null, estimatedRows: null }],
}

it('says nothing of earlier runs where everything is done', () => {
  expect(planText(report)).not.toContain('reprocess')
})

it('ends with what makes the run slow, and what it would wait for', () => {
  const text = planText({ ...report, warnings: ['no index begins with (at)'], conflicts: ['run 1 is running'] })
  expect(text).toMatch(/warning: no index begins with \(at\)\n\nwould wait now: run 1 is running$/)
})

it('tells what is left out, by which run, and why', () => {
  const selection: PlanReport['selection'] = {
    ...{ reprocess: 'missing', leftOutRanges: 3, ignoredRuns: 1 },
    leftOut: [{ from: '0', to: '20', why: 'completed', runId }],
  }
  const text = planText({ ...report, selection })
  expect(text).toContain(
    'reprocess    what no earlier run completed; 3 ranges are left out; 1 earlier run does not count, of other params, another column or other files',
  )
  expect(text).toContain('the first 1 of 3:')
  expect(text).toMatch(new RegExp(`^0 +20 +completed +${runId}`, 'm'))
})

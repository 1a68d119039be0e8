import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { AlertKind } from '../../src/contract/alert.ts'
import { StatusEvent } from '../../src/contract/status.ts'
import { alertTexts, condition } from '../../src/supervise/alert-texts.ts'
import { type AlertLook, type AlertMemory, alertKey, type Condition, decideAlerts } from '../../src/supervise/alerts.ts'
import { gathered } from '../../src/supervise/gathered.ts'

const [runId, other] = ['00000001-0000-4000-8000-00000000000a', '00000001-0000-4000-8000-00000000000b']
const failed = condition('partitionsFailed', { runId, backfill: 'orders' }, '1 partition failed')
const lag = condition('ledgerLag', {}, '9 events')

const nothing: AlertMemory = { open: new Map(), occurrences: new Map(), lastSeenMs: new Map() }
const look = (nowMs: number, conditions: readonly Condition[], before: AlertMemory, more: Partial<AlertLook> = {}) =>
  decideAlerts({
    ...{ nowMs, at: '2026-01-01T00:00:00.000Z', conditions, resolveAfterMs: 100, before },
    ...{ settled: () => undefined, wasLookedAt: () => true, foundAgainMs: () => 0 },
    ...more,
  })

/** Looks one after the other; returns what each told. */
function lookAt(
  steps: readonly { atMs: number; there: readonly Condition[]; more?: Partial<AlertLook> }[],
): string[][] {
  let memory = nothing
  return steps.map(({ atMs, there, more }) => {
    const { told, memory: after } = look(atMs, there, memory, more)
    memory = after
    return told.map(({ type, kind }) => `${type} ${kind}`)
  })
}

it('an alert is raised once, and resolved when it has been over for a while', () => {
  const found = lookAt([
    { atMs: 0, there: [failed] },
    { atMs: 50, there: [failed] },
    { atMs: 100, there: [] },
    { atMs: 149, there: [] },
    { atMs: 160, there: [] },
    { atMs: 300, there: [] },
  ])
  expect(found).toEqual([['alert.raised partitionsFailed'], [], [], [], ['alert.resolved partitionsFailed'], []])
})

it('what comes and goes raises nothing anew', () => {
  const found = lookAt([0, 50, 100, 150, 200].map((atMs, n) => ({ atMs, there: n % 2 === 0 ? [lag] : [] })))
  expect(found.flat()).toEqual(['alert.raised ledgerLag'])
})

it('what was not looked at is neither better nor worse', () => {
  const found = lookAt([
    { atMs: 0, there: [failed] },
    { atMs: 1_000, there: [], more: { wasLookedAt: () => false } },
    { atMs: 1_001, there: [failed] },
  ])
  expect(found.flat()).toEqual(['alert.raised partitionsFailed'])
})

it('an alert about a run that is settled is over at once, and says why', () => {
  const { memory } = look(0, [failed], nothing)
  const { told } = look(1, [], memory, { wasLookedAt: () => false, settled: () => 'the run was archived' })
  expect(told).toMatchObject([{ type: 'alert.resolved', message: 'the run was archived' }])
})

it('of what is settled nothing is raised, though it is still so', () => {
  const settled = { settled: () => 'the run was done again' }
  expect(look(0, [failed], nothing, settled).told).toEqual([])
  const { memory } = look(0, [failed], nothing)
  const { told, memory: after } = look(1, [failed], memory, settled)
  expect(told.map(({ type }) => type)).toEqual(['alert.resolved'])
  expect(look(2, [failed], after, settled).told).toEqual([])
})

it('what becomes worse is raised anew, what becomes better is not', () => {
  const worse = { ...lag, severity: 'critical' as const }
  const { memory } = look(0, [lag], nothing)
  const { told, memory: after } = look(1, [worse], memory)
  expect(told.map(({ type, severity }) => [type, severity])).toEqual([
    ['alert.resolved', 'warning'],
    ['alert.raised', 'critical'],
  ])
  expect(new Set(told.map(({ alertId }) => alertId)).size).toBe(2)
  expect(look(2, [lag], after).told).toEqual([])
})

it('two supervisors that find the same raise one alert; the next occurrence is another one', () => {
  const [a, b] = [look(0, [failed], nothing), look(700, [failed], nothing)]
  expect(a.told[0]?.alertId).toBe(b.told[0]?.alertId)
  const { memory: over } = look(900, [], a.memory)
  const again = look(901, [failed], over)
  expect(again.told).toHaveLength(1)
  expect(again.told[0]?.alertId).not.toBe(a.told[0]?.alertId)
})

it('a leader that knows what is open from the ledger waits for as long as it takes to find it again', () => {
  const { memory } = look(0, [failed], nothing)
  const inherited = { ...memory, lastSeenMs: new Map() }
  const more = { foundAgainMs: () => 400 }
  const first = look(5_000, [], inherited, more)
  const second = look(5_499, [], first.memory, more)
  expect([first.told, second.told]).toEqual([[], []])
  expect(look(5_499, [failed], first.memory, more).told).toEqual([])
  expect(look(5_500, [], second.memory, more).told).toMatchObject([{ type: 'alert.resolved' }])
})

it('alerts about many partitions of a run are one about the run, and those told before stay open meanwhile', () => {
  const ahead = (n: number): Condition =>
    condition('ledgerAhead', { runId, backfill: 'orders', partitionId: `${n}`, index: n }, `of ${n}`)
  const some = Array.from({ length: 20 }, (_, n) => ahead(n))
  expect(gathered([...some, failed])).toEqual([...some, failed])
  const many = gathered(Array.from({ length: 21 }, (_, n) => ahead(n)))
  expect(many).toMatchObject([{ kind: 'ledgerAhead', about: { runId, backfill: 'orders' } }])
  expect(many[0]?.message).toBe('21 partitions, among them 0, 1, 2, 3, 4; the first of them: of 0')
  const { memory } = look(0, [ahead(0)], nothing)
  expect(look(1_000, many, memory).told.map(({ type }) => type)).toEqual(['alert.raised'])
})

it('of two conditions about one thing one is told', () => {
  expect(gathered([lag, { ...lag, message: 'again' }])).toHaveLength(1)
})

describe('of any history', () => {
  const kinds: AlertKind[] = ['ledgerLag', 'runStalled', 'workerLost']
  const conditions = fc.array(fc.record({ kind: fc.constantFrom(...kinds), runId: fc.constantFrom(runId, other) }), {
    maxLength: 4,
  })
  const histories = fc.array(fc.record({ there: conditions, restMs: fc.nat({ max: 150 }), restart: fc.boolean() }), {
    maxLength: 40,
  })

  test.prop([histories])('raised and resolved take turns, and every event is one of the contract', (history) => {
    let memory = nothing
    let nowMs = 0
    const isOpen = new Set<string>()
    const ids = new Set<string>()
    for (const { there, restMs, restart } of history) {
      nowMs += restMs
      // A new leader knows what is open, and not when it was last seen.
      if (restart) memory = { ...memory, lastSeenMs: new Map() }
      const { told, memory: after } = look(
        nowMs,
        there.map(({ kind, runId }) => condition(kind, { runId }, 'found')),
        memory,
      )
      memory = after
      for (const event of told) {
        expect(StatusEvent.safeParse(event).success).toBe(true)
        const key = alertKey(event)
        expect(isOpen.has(key)).toBe(event.type === 'alert.resolved')
        if (event.type === 'alert.raised') {
          isOpen.add(key)
          expect(ids.has(event.alertId)).toBe(false)
          ids.add(event.alertId)
        } else isOpen.delete(key)
      }
      expect(new Set(memory.open.keys())).toEqual(isOpen)
    }
  })
})

it('every kind has words that a person understands', () => {
  for (const { meaning, remedy } of Object.values(alertTexts)) {
    expect(meaning).toMatch(/^[A-Z].*\.$/)
    expect(remedy).toMatch(/^[A-Z].*\.$/)
  }
})

import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { noTotals } from '../../src/contract/certificate.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { foldTimeline } from '../../src/explain/fold-timeline.ts'
import { historyOf } from '../../src/explain/history.ts'
import { timelineOf } from '../../src/explain/timeline.ts'
import { claimed, completed, failed, progressed } from '../support/partition-events.ts'
import { anyStatusEvent } from '../support/status-events.ts'

const noon = Date.parse('2026-11-23T12:00:00Z')
const at = (second: number): string => new Date(noon + second * 1_000).toISOString()
const totals = (rowsRead: number, chunks: number, rowsRejected = 0) => ({
  ...noTotals,
  ...{ rowsRead, rowsWritten: rowsRead - rowsRejected, rowsRejected, chunks },
})
const texts = (events: readonly StatusEvent[]): string[] => timelineOf(historyOf(events)).map(({ text }) => text)
const { runId, partitionId, backfill, index } = completed()
const ofRun = { version: 1 as const, runId, backfill }
const asked = { requestKey: 'k', requestedBy: 'ana', reason: 'busy' }

describe('what happened', () => {
  it('claimed, chunk by chunk with where the time went, taken over after how long a silence, and over', () => {
    const timings = { readMs: 1_200, transformMs: 30, writeMs: 400 }
    const lines = timelineOf(
      historyOf([
        claimed({ at: at(0), topicPartition: 7 }),
        progressed({ at: at(2), sequence: 1, totals: totals(5_000, 1), timings } as never),
        claimed({ at: at(63), epoch: 2, sequence: 1, totals: totals(5_000, 1), worker: 'worker-2' }),
        progressed({
          at: at(65),
          epoch: 2,
          sequence: 2,
          totals: totals(9_000, 2, 12),
          worker: 'worker-2',
          timings,
        } as never),
        completed({ at: at(65), epoch: 2, sequence: 2, totals: totals(9_000, 2, 12), worker: 'worker-2' }),
      ]),
    )
    expect(lines).toEqual([
      { at: at(0), sinceMs: null, chunkRows: null, text: 'claimed by worker-1 (epoch 1, task in topic partition 7)' },
      {
        at: at(2),
        sinceMs: 2_000,
        chunkRows: 5_000,
        text: 'chunk 1: 5,000 rows; read 1.2s, transform 30ms, write 400ms',
      },
      {
        ...{ at: at(63), sinceMs: 61_000, chunkRows: null },
        text: 'taken over from worker-1 by worker-2, after 1m 01s of silence (epoch 2, task in topic partition 0)',
      },
      {
        ...{ at: at(65), sinceMs: 2_000, chunkRows: 4_000 },
        text: 'chunk 2: 4,000 rows, 12 rejected; read 1.2s, transform 30ms, write 400ms',
      },
      {
        ...{ at: at(65), sinceMs: 0, chunkRows: null },
        text: 'completed: 9,000 rows read, 8,988 written, 0 left out, 12 rejected',
      },
    ])
  })

  it('a chunk whose event was lost is in the next one', () => {
    const [, , line] = texts([
      claimed(),
      progressed({ sequence: 1, totals: totals(10, 1) }),
      progressed({ sequence: 4, totals: totals(40, 4) }),
    ])
    expect(line).toContain('chunks 2 to 4: 30 rows;')
  })

  it('claimed again by the same worker; failed; cancelled', () => {
    const again = texts([
      claimed({ at: at(0) }),
      claimed({ at: at(3), epoch: 2 }),
      failed({ at: at(4), epoch: 2, attempts: 1 }),
    ])
    expect(again.slice(1)).toEqual([
      'claimed again by worker-1, 3.0s after it was last heard of (epoch 2, task in topic partition 0)',
      'failed after 1 attempt: ROW_INVALID: amount is not a number',
    ])
    const cancelled = (epoch: number) => ({ ...completed({ epoch }), type: 'partition.cancelled' }) as StatusEvent
    expect(texts([cancelled(0)])).toEqual(['cancelled before anybody claimed it'])
    expect(texts([cancelled(1)])).toEqual(['cancelled'])
  })

  it('what was wanted, by whom and why; published again; alerts, repairs and the ends of the run', () => {
    const about = { runId, partitionId }
    const alert = {
      version: 1 as const,
      alertId: '00000009-0000-4000-8000-000000000001',
      kind: 'partitionSlow' as const,
      about,
    }
    expect(
      texts([
        {
          ...{ ...ofRun, type: 'run.planned', at: at(0), requestKey: 'k', definitionHash: '', planHash: '' },
          ...{ partitions: 12, range: { kind: 'integer', from: '0', to: '9' }, estimatedRows: null },
        },
        { ...ofRun, ...asked, type: 'run.paused', sequence: 1, at: at(1) },
        { ...ofRun, ...asked, type: 'partition.resumed', sequence: 2, partitionId, index, at: at(2), reason: null },
        { ...ofRun, ...asked, type: 'run.cancelling', sequence: 3, at: at(3), requestedBy: null },
        {
          ...ofRun,
          ...asked,
          type: 'run.tuned',
          sequence: 4,
          at: at(4),
          changes: { chunkRows: { from: null, to: 5_000 } },
        },
        { ...ofRun, type: 'partition.republished', partitionId, index, message: 'no open task', at: at(5) },
        { ...alert, type: 'alert.raised', severity: 'warning', message: 'slow', remedy: 'wait', at: at(6) },
        { ...alert, type: 'alert.resolved', severity: 'warning', message: 'fast', at: at(7) },
        { version: 1, type: 'repair.made', kind: 'eventLost', about, message: 'told again', at: at(8) },
        {
          ...{ ...ofRun, type: 'run.failed', state: 'failed', at: at(9), partitions: 1, partitionsFailed: 1 },
          ...{ partitionsCancelled: 0, totals: noTotals, reason: 'no plan' },
        },
        { ...ofRun, type: 'run.queued', position: 3, waitsFor: 'room', at: at(10) },
        { ...ofRun, ...asked, type: 'run.archived', at: at(11) },
        {
          ...ofRun,
          type: 'intent.acknowledged',
          sequence: 1,
          intent: 'paused',
          worker: 'worker-1',
          atStart: false,
          at: at(12),
        },
      ]),
    ).toEqual([
      'its run was planned: 12 partitions',
      'its run was paused by ana (busy)',
      'resumed by ana',
      'its run was told to be cancelled (busy)',
      'its run was tuned by ana (busy): chunkRows as defined → 5,000',
      'its task was published again: no open task',
      'alert (warning): slow',
      'the alert is over: fast',
      'mended by the supervisor: told again',
      'its run failed: no plan',
      'its run waits at place 3 of the queue',
      'its run was archived by ana (busy)',
      'worker-1 obeys: the run is to be paused',
    ])
  })

  it('in the order of epochs and chunks, whatever the clocks of the workers said', () => {
    const behind = texts([
      progressed({ at: at(10), sequence: 1, totals: totals(1, 1) }),
      claimed({ at: at(2), epoch: 2, sequence: 1, worker: 'worker-2' }),
      claimed({ at: at(9) }),
      { ...ofRun, ...asked, type: 'run.paused', sequence: 1, at: at(9.5) },
    ])
    expect(behind.map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
      'claimed by worker-1',
      'its run was',
      'chunk 1: 1',
      'taken over from',
    ])
  })
})

describe('a long history', () => {
  const long = (chunks: number): StatusEvent[] => [
    claimed({ at: at(0) }),
    ...Array.from({ length: chunks }, (_, n) =>
      progressed({ at: at(n + 1), sequence: n + 1, totals: totals((n + 1) * 5_000, n + 1) }),
    ),
    completed({ at: at(chunks + 1), sequence: chunks, totals: totals(chunks * 5_000, chunks) }),
  ]

  it('is folded in the middle', () => {
    const folded = foldTimeline(timelineOf(historyOf(long(485)))).map(({ text }) => text.split(';')[0])
    expect(folded).toEqual([
      'claimed by worker-1 (epoch 1, task in topic partition 0)',
      ...['chunk 1: 5,000 rows', 'chunk 2: 5,000 rows', 'chunk 3: 5,000 rows'],
      '480 chunks, 2,400,000 rows, 8m 00s',
      ...['chunk 484: 5,000 rows', 'chunk 485: 5,000 rows'],
      'completed: 2,425,000 rows read, 2,425,000 written, 0 left out, 0 rejected',
    ])
  })

  it('is not folded for the sake of one line', () => {
    expect(foldTimeline(timelineOf(historyOf(long(6))))).toHaveLength(8)
    expect(foldTimeline(timelineOf(historyOf(long(7))))).toHaveLength(8)
  })

  it('of many takeovers is folded too', () => {
    const many = Array.from({ length: 200 }, (_, n) => claimed({ at: at(n), epoch: n + 1, worker: `w${n}` }))
    const folded = foldTimeline(timelineOf(historyOf(many)))
    expect(folded).toHaveLength(61)
    expect(folded[30]).toEqual({ lines: 140, text: '140 lines more, which --json has' })
  })

  test.prop([fc.array(anyStatusEvent, { maxLength: 200 })])('of any events loses no line', (events) => {
    const lines = timelineOf(historyOf(events))
    expect(lines).toHaveLength(events.length)
    const folded = foldTimeline(lines)
    expect(folded.reduce((sum, line) => sum + ('lines' in line ? line.lines : 1), 0)).toBe(events.length)
    for (const { text } of lines) expect(text).not.toMatch(/undefined|NaN|null|\[object/)
  })
})

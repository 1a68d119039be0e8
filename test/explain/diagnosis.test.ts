import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { noTotals, type Totals } from '../../src/contract/certificate.ts'
import { PartitionState, RunState } from '../../src/contract/states.ts'
import type { IntentEvent, StatusEvent } from '../../src/contract/status.ts'
import { diagnose, stateOf } from '../../src/explain/diagnosis.ts'
import type { PartitionFacts } from '../../src/explain/facts.ts'
import type { Finding } from '../../src/explain/finding.ts'
import { historyOf } from '../../src/explain/history.ts'
import { claimed, completed, failed, progressed } from '../support/partition-events.ts'
import { anyStatusEvent } from '../support/status-events.ts'
import { aPlan, aRun, factsOf, fastOthers } from './facts.ts'

/** Twelve o'clock and so many seconds. */
const at = (second: number): string => new Date(noon + second * 1_000).toISOString()
const noon = Date.parse('2026-11-23T12:00:00Z')
const rows = (rowsRead: number, chunks = 1): Totals => ({ ...noTotals, rowsRead, rowsWritten: rowsRead, chunks })
const { runId, partitionId, backfill, index } = completed()
const ofRun = { version: 1 as const, runId, backfill }
const ofIt = { ...ofRun, partitionId, index }

const why = (given: Partial<PartitionFacts>, afterNoonS = 0): readonly Finding[] => {
  const facts = factsOf(given)
  return diagnose(facts, historyOf(facts.events), noon + afterNoonS * 1_000)
}
const intent = (type: IntentEvent['type'], second: number, sequence = 1, by: string | null = 'ana'): StatusEvent =>
  ({
    ...(type.startsWith('run') ? ofRun : ofIt),
    ...{ type, sequence, at: at(second), requestKey: 'k', requestedBy: by, reason: by === null ? null : 'busy' },
  }) as StatusEvent
const chunk = (second: number, sequence: number, rowsRead: number, timings: [number, number, number], more = {}) =>
  progressed({
    ...{ at: at(second), sequence, totals: rows(rowsRead, sequence), ...more },
    timings: { readMs: timings[0], transformMs: timings[1], writeMs: timings[2] },
  } as Parameters<typeof progressed>[0])

describe('nobody has claimed it', () => {
  it('because its task is not published yet: how many of its run are before it', () => {
    // Of ten, in the order of publish-order.ts: 0, 7, 4, 1, 8, 5, 2, 9, 6, 3.
    const run = { ...aRun, published: 2 }
    expect(why({ run, index: 5 })).toEqual([
      {
        kind: 'unpublished',
        text: 'Its task is not published yet: 3 tasks of its run are before it, 2 of 10 are published.',
        remedy: expect.stringContaining(`"tidemark tune ${runId} --priority N"`),
      },
    ])
    expect(why({ run, index: 4 })[0]?.text).toContain('it is the next of its run, 2 of 10')
    expect(why({ run: { ...run, mostOpen: 2 }, index: 1 })[0]).toMatchObject({
      text: expect.stringContaining('1 task of its run is before it'),
      remedy: `no more than 2 tasks of the run may be open at a time: "tidemark tune ${runId} --max-concurrent-partitions N" allows more`,
    })
  })

  it('though its task is published', () => {
    expect(why({})).toEqual([
      {
        kind: 'unclaimed',
        text: 'Its task is published, and nobody has claimed it yet. Its run was planned at 2026-11-23T11:59:00.000Z.',
        remedy: expect.stringContaining('"tidemark offsets"'),
      },
    ])
  })

  it('as far as a ledger knows that was rebuilt without the plan', () => {
    expect(why({ run: null, planned: null })).toMatchObject([{ kind: 'unclaimed', text: 'Nobody has claimed it yet.' }])
  })

  it('because its run waits, or is being planned', () => {
    expect(why({ run: { ...aRun, state: 'queued' } })).toMatchObject([
      {
        kind: 'queued',
        text: expect.stringContaining('waits in the queue'),
        remedy: expect.stringContaining(`status ${runId}`),
      },
    ])
    expect(why({ run: { ...aRun, state: 'planning' } })).toMatchObject([
      { kind: 'planning', text: 'Its run is still being planned.' },
    ])
  })

  it('and its run has ended: why', () => {
    const end: StatusEvent = {
      ...{ ...ofRun, type: 'run.failed', state: 'failed', at: at(1), partitions: 1, partitionsFailed: 0 },
      ...{ partitionsCancelled: 0, totals: noTotals, reason: 'the source is gone' },
    }
    expect(why({ run: { ...aRun, state: 'failed' }, events: [end] })).toMatchObject([
      {
        kind: 'ended',
        text: 'Its run has failed: the source is gone, and nobody ever claimed it, as far as was told.',
      },
    ])
    expect(why({ run: { ...aRun, state: 'completed' }, events: [claimed({ at: at(1) })] })).toMatchObject([
      {
        kind: 'ended',
        text: `Its run has completed, and of it nothing was told after ${at(1)}, when worker-1 had it.`,
      },
    ])
    expect(why({ run: { ...aRun, state: 'cancelled' } })[0]?.text).toContain('Its run has been cancelled, and nobody')
  })
})

describe('it is paused, or being cancelled', () => {
  it('its run: since when, by whom and why, and how far it had come', () => {
    const intended = { at: at(5), by: 'ana', reason: 'the database is busy' }
    const events = [claimed({ at: at(1) }), chunk(2, 1, 10, [1, 1, 1])]
    expect(why({ run: { ...aRun, state: 'paused', intent: 'paused', intended }, events }, 3_600)).toMatchObject([
      {
        kind: 'paused',
        text: `Its run is paused by ana (the database is busy), since ${at(5)}.`,
        remedy: `"tidemark resume ${runId}" lets it go on where it stands`,
      },
      {
        kind: 'running',
        text: expect.stringMatching(
          /^It was worked on by worker-1 \(epoch 1\): 1 chunk, 10 rows; last heard of 59m 58s ago\.$/,
        ),
      },
      { kind: 'stages' },
    ])
  })

  it('it by itself, as its events tell', () => {
    const events = [intent('partition.paused', 7, 2), intent('partition.resumed', 3, 1)]
    expect(why({ planned: { ...aPlan, intent: 'paused' }, events })).toEqual([
      {
        kind: 'paused',
        text: `It is paused by itself by ana (busy), since ${at(7)}.`,
        remedy: `"tidemark resume ${runId} --partition ${partitionId}" lets it go on where it stands`,
      },
    ])
  })

  it('as the events alone tell, where there is no plan', () => {
    expect(why({ run: null, planned: null, events: [intent('run.paused', 7, 3, null)] })).toMatchObject([
      { text: `Its run is paused, since ${at(7)}.` },
    ])
    expect(why({ run: null, planned: null, events: [intent('run.cancelling', 7)] })).toMatchObject([
      { kind: 'cancelling' },
    ])
    expect(
      why({ run: null, planned: null, events: [intent('run.paused', 7), intent('run.resumed', 9, 2)] }),
    ).toMatchObject([{ kind: 'unclaimed' }])
  })

  it('its run, or it, is being cancelled', () => {
    const intended = { at: at(5), by: 'ana', reason: null }
    expect(why({ run: { ...aRun, state: 'cancelling', intent: 'cancelled', intended } })).toEqual([
      {
        kind: 'cancelling',
        text: `Its run is being cancelled by ana, since ${at(5)}: it ends at its next chunk, or when the supervisor finds it.`,
        remedy: null,
      },
    ])
    const events = [intent('partition.cancelling', 6)]
    expect(why({ planned: { ...aPlan, intent: 'cancelled' }, events })[0]?.text).toBe(
      `It is being cancelled by ana (busy), since ${at(6)}: it ends at its next chunk, or when the supervisor finds it.`,
    )
  })

  it('what was a pause is told of one that goes on, or is over, and is not held against it', () => {
    const events = [
      claimed({ at: at(0) }),
      intent('run.paused', 10, 1),
      intent('run.resumed', 610, 2),
      claimed({ at: at(610), epoch: 2 }),
      completed({ at: at(611), epoch: 2, sequence: 1, totals: rows(1_000) }),
    ]
    const found = why({ events, others: { ...fastOthers, medianMs: 10_000 } })
    expect(found).toContainEqual({ kind: 'paused', text: 'It was paused 1 time, for 10m 00s in all.', remedy: null })
    expect(found.map(({ kind }) => kind)).not.toContain('slow')
  })
})

describe('it is being worked on', () => {
  it('how far it is, of how much', () => {
    const events = [claimed({ at: at(0) }), chunk(4, 1, 2_500, [1_000, 1_000, 1_000])]
    expect(why({ planned: { ...aPlan, estimatedRows: 10_000 }, events }, 5)[0]).toEqual({
      kind: 'running',
      text: 'It is being worked on by worker-1 (epoch 1): 1 chunk, 2,500 rows, about 25 % of it; last heard of 1.0s ago.',
      remedy: null,
    })
  })

  it('nothing was heard of it for far longer than ever before', () => {
    const events = [claimed({ at: at(0) }), chunk(4, 1, 10, [1, 1, 1])]
    expect(why({ events }, 33).map(({ kind }) => kind)).not.toContain('silent')
    expect(why({ events }, 64).slice(0, 2)).toMatchObject([
      {
        kind: 'silent',
        text: `Nothing was heard of it for 1m 00s, since worker-1 committed chunk 1 at ${at(4)}.`,
        remedy: expect.stringContaining(
          'see the log of worker-1, and "tidemark offsets" for who has topic partition 0 now',
        ),
      },
      { kind: 'running', text: expect.stringContaining('It was worked on by worker-1') },
    ])
    expect(why({ events: [claimed({ at: at(0) })] }, 60)[0]?.text).toContain('since worker-1 claimed it at')
    // Chunks that take a minute each are no silence.
    expect(
      why({ events: [claimed({ at: at(0) }), chunk(60, 1, 10, [1, 1, 1])] }, 180).map(({ kind }) => kind),
    ).not.toContain('silent')
  })

  it.each([
    ['reading', [900, 50, 50], 'look at the source'],
    ['transforming', [50, 900, 50], 'the transform is what takes long'],
    ['writing', [50, 50, 900], 'look at the sink'],
  ] as const)('most of its time goes into %s', (stage, timings, remedy) => {
    const events = [claimed({ at: at(0) }), chunk(1, 1, 10, [...timings])]
    expect(why({ events })).toContainEqual({
      kind: 'stages',
      text: `Most of its time goes into ${stage}: 90 % of 1.0s.`,
      remedy: expect.stringContaining(remedy),
    })
  })

  it('most of its time it waits for its turn', () => {
    const events = [claimed({ at: at(0) }), chunk(1, 1, 10, [100, 100, 100]), chunk(11, 2, 20, [100, 100, 100])]
    expect(why({ events })).toContainEqual({
      kind: 'stages',
      text: 'Most of its time goes into waiting: 95 % of 11.0s.',
      remedy: expect.stringContaining(`"tidemark tune ${runId} --rows-per-second none"`),
    })
  })

  it('its time goes into everything', () => {
    const events = [claimed({ at: at(0) }), chunk(1, 1, 10, [400, 300, 200])]
    expect(why({ events })).toContainEqual({
      kind: 'stages',
      text: 'Its time goes into reading (40 %), transforming (30 %), writing (20 %), waiting (10 %).',
      remedy: null,
    })
  })

  it('slower than the median of its run, for it has more rows', () => {
    const events = [claimed({ at: at(0) }), chunk(4, 1, 5_000, [1, 1, 1])]
    expect(why({ events, others: fastOthers }, 5)).toContainEqual({
      kind: 'slow',
      text: 'It has taken 5.0s, 5.0 times the median of its run (1.0s): it has more rows: 5,000 read, the median is 1,000.',
      remedy: expect.stringContaining('quantiles'),
    })
  })

  it('slower, for it has fewer rows a second', () => {
    const events = [claimed({ at: at(0) }), chunk(4, 1, 500, [1, 1, 1])]
    expect(why({ events, others: fastOthers }, 5)).toContainEqual({
      kind: 'slow',
      text: 'It has taken 5.0s, 5.0 times the median of its run (1.0s): it goes more slowly: 100 rows/s, the median is 1,000.',
      remedy: 'see below where its time goes',
    })
  })

  it('slower, for both, or for neither', () => {
    const both = [claimed({ at: at(0) }), chunk(4, 1, 2_000, [1, 1, 1])]
    expect(why({ events: both, others: fastOthers }, 8).find(({ kind }) => kind === 'slow')?.text).toBe(
      'It has taken 8.0s, 8.0 times the median of its run (1.0s): it has more rows: 2,000 read, the median is 1,000, and it goes more slowly: 250 rows/s, the median is 1,000.',
    )
    const neither = [claimed({ at: at(0) }), completed({ at: at(2), sequence: 1, totals: rows(1_400) })]
    expect(why({ events: neither, others: fastOthers }).find(({ kind }) => kind === 'slow')).toEqual({
      kind: 'slow',
      text: 'It took 2.0s, 2.0 times the median of its run (1.0s): neither its rows nor its pace are far from the median.',
      remedy: null,
    })
  })

  it('not slow while it is, or while too few have completed to tell', () => {
    const events = [claimed({ at: at(0) })]
    const kinds = (others: PartitionFacts['others'], second: number) =>
      why({ events, others }, second).map(({ kind }) => kind)
    expect(kinds(fastOthers, 1.9)).not.toContain('slow')
    expect(kinds({ ...fastOthers, completed: 2 }, 20)).not.toContain('slow')
    expect(kinds(null, 20)).not.toContain('slow')
  })
})

describe('what happened to it on the way', () => {
  it('taken over, by whom', () => {
    const events = ['a', 'b', 'b', 'a'].map((worker, n) => claimed({ at: at(n), epoch: n + 1, worker }))
    expect(why({ events }, 4)).toContainEqual({
      kind: 'takenOver',
      text: 'It was taken over 2 times: a → b → a. And it was claimed again by who had it 1 time. Each time at most one chunk was read again.',
      remedy: expect.stringContaining('their logs say which'),
    })
    expect(why({ events: events.slice(1, 3) }, 4).find(({ kind }) => kind === 'takenOver')?.text).toBe(
      'It was claimed again by who had it 1 time. Each time at most one chunk was read again.',
    )
    const many = Array.from({ length: 9 }, (_, n) => claimed({ at: at(n), epoch: n + 1, worker: `w${n}` }))
    expect(why({ events: many }, 10).find(({ kind }) => kind === 'takenOver')?.text).toContain(
      'taken over 8 times: w0 → w1 → w2 → … → w6 → w7 → w8.',
    )
  })

  it('published again', () => {
    const again = { ...ofIt, type: 'partition.republished' as const, message: 'no open task' }
    expect(
      why({
        events: [
          { ...again, at: at(2) },
          { ...again, at: at(9) },
        ],
      }),
    ).toContainEqual({
      kind: 'republished',
      text: `Its task was published again 2 times, the last time at ${at(9)}: no open task covered it.`,
      remedy: null,
    })
  })

  it('alerts about it that are not over come first, the gravest in front', () => {
    const about = { runId, partitionId }
    const alert = (n: number, severity: 'warning' | 'critical'): StatusEvent => ({
      ...{ version: 1, type: 'alert.raised', alertId: `00000009-0000-4000-8000-00000000000${n}`, at: at(n), about },
      ...{ kind: 'partitionSlow', severity, message: `message ${n}`, remedy: `remedy ${n}` },
    })
    const over: StatusEvent = {
      ...{ version: 1, type: 'alert.resolved', alertId: '00000009-0000-4000-8000-000000000003', at: at(4), about },
      ...{ kind: 'partitionSlow', severity: 'critical', message: 'over' },
    }
    expect(
      why({ events: [alert(1, 'warning'), alert(2, 'critical'), alert(3, 'critical'), over] }).slice(0, 3),
    ).toEqual([
      { kind: 'alert', text: `Alert (critical) since ${at(2)}: message 2`, remedy: 'remedy 2' },
      { kind: 'alert', text: `Alert (warning) since ${at(1)}: message 1`, remedy: 'remedy 1' },
      expect.objectContaining({ kind: 'unclaimed' }),
    ])
  })
})

describe('it is over', () => {
  it('failed: with what, after how many attempts, and what does it again', () => {
    const events = [failed({ at: at(3), attempts: 8 })]
    expect(why({ run: { ...aRun, state: 'failed' }, events })).toEqual([
      {
        kind: 'failed',
        text: `It failed at ${at(3)} with ROW_INVALID after 8 attempts: amount is not a number`,
        remedy: `mend what the message says; "tidemark retry ${runId} --partition ${partitionId}" does it again`,
      },
    ])
    expect(why({ run: { ...aRun, retries: ['019aa000-0000-7000-8000-000000000002'] }, events })[0]?.remedy).toBe(
      `mend what the message says; when its run has ended, "tidemark retry ${runId} --partition ${partitionId}" does it again; of its run, 019aa000-0000-7000-8000-000000000002 did partitions again`,
    )
  })

  it('completed: how long it took, and how that compares', () => {
    const events = [claimed({ at: at(0) }), completed({ at: at(2), sequence: 1, totals: rows(1_000) })]
    expect(why({ events, others: { ...fastOthers, medianMs: 1_500 } })).toEqual([
      {
        kind: 'completed',
        text: `It completed at ${at(2)}, 2.0s after it was first claimed: 1,000 rows, 500 rows/s; the median of its run is 1.5s.`,
        remedy: null,
      },
    ])
    expect(why({ events: [completed({ at: at(2) })] })[0]?.text).toBe(
      `It completed at ${at(2)}, 0ms after it was first claimed: 0 rows.`,
    )
  })

  it('cancelled: with its run or by itself, by whom, and what stays', () => {
    const end = { ...completed({ at: at(9), totals: rows(20) }), type: 'partition.cancelled' } as StatusEvent
    expect(why({ events: [intent('run.cancelling', 8), end] })[0]).toEqual({
      kind: 'cancelled',
      text: `It was cancelled with its run by ana (busy), at ${at(8)}; 20 rows that it had written stay.`,
      remedy: `"tidemark retry ${runId} --partition ${partitionId}" does it again when its run has ended`,
    })
    const never = { ...completed({ epoch: 0, at: at(9) }), type: 'partition.cancelled' } as StatusEvent
    expect(why({ events: [intent('partition.cancelling', 8, 1, null), never] })[0]?.text).toBe(
      `It was cancelled by itself, at ${at(8)}; nothing of it was written.`,
    )
    expect(why({ events: [never] })[0]?.text).toBe('It was cancelled; nothing of it was written.')
  })
})

const anyIntent = fc
  .record({
    type: fc.constantFrom<IntentEvent['type']>(
      'run.paused',
      'run.resumed',
      'run.cancelling',
      'partition.paused',
      'partition.resumed',
      'partition.cancelling',
    ),
    second: fc.nat(100),
    sequence: fc.nat(5),
  })
  .map(({ type, second, sequence }) => intent(type, second, sequence))
const anyFacts: fc.Arbitrary<PartitionFacts> = fc
  .record({
    run: fc.option(
      fc
        .record({
          state: fc.constantFrom(...RunState.options),
          intent: fc.constantFrom('running' as const, 'paused' as const, 'cancelled' as const),
          published: fc.nat(10),
          mostOpen: fc.option(fc.nat(5)),
        })
        .map((some) => ({ ...aRun, ...some })),
    ),
    planned: fc.option(
      fc
        .record({ intent: fc.option(fc.constantFrom('paused' as const, 'cancelled' as const)) })
        .map((some) => ({ ...aPlan, ...some })),
    ),
    events: fc.array(fc.oneof(anyStatusEvent, anyIntent), { maxLength: 30 }),
    others: fc.option(
      fc.record({
        completed: fc.nat(5),
        medianMs: fc.nat(10),
        medianRows: fc.nat(10),
        medianRowsPerSecond: fc.nat(10),
      }),
    ),
    index: fc.nat(9),
  })
  .map((some) => factsOf(some))

test.prop([anyFacts, fc.integer({ min: -1_000_000, max: 1_000_000 })])(
  'of any history something is said, and every sentence says something',
  (facts, afterNoonS) => {
    const history = historyOf(facts.events)
    const found = diagnose(facts, history, noon + afterNoonS * 1_000)
    expect(found.length).toBeGreaterThan(0)
    for (const { text, remedy } of found) {
      expect(text).not.toMatch(/undefined|NaN|null|Infinity|\[object/)
      expect(text).toMatch(/\S/)
      expect(remedy).not.toBe('')
    }
    expect(PartitionState.options).toContain(stateOf(history))
  },
)

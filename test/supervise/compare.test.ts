import { describe, expect, test } from 'vitest'
import { noTotals } from '../../src/contract/certificate.ts'
import type { PartitionState } from '../../src/contract/states.ts'
import type { StoredCheckpoint } from '../../src/sink/sink.ts'
import { compareRun, type Difference, type Look, type RecordedPartition } from '../../src/supervise/compare.ts'

const [a, b] = ['00000002-0000-4000-8000-00000000000a', '00000002-0000-4000-8000-00000000000b']

const row = (partitionId: string, state: PartitionState, epoch = 1, sequence = 3): StoredCheckpoint => ({
  ...{ partitionId, state, epoch, sequence, cursor: '9' },
  totals: { ...noTotals, rowsRead: 10, rowsWritten: 10, chunks: 3, contentHash: '7' },
})
const told = (state: RecordedPartition['state'], epoch = 1, sequence = 3): RecordedPartition => ({
  ...{ state, epoch, sequence, worker: 'w', topicPartition: 0, firstEventMs: 0, lastEventMs: 0 },
  totals: row(a, 'running').totals,
})

const nothing: Look = {
  nowMs: 0,
  recordedThroughMs: Number.POSITIVE_INFINITY,
  patienceMs: 10_000,
  leaseMs: 60_000,
  state: 'running',
  intent: () => 'running',
  plan: [a, b].map((partitionId, index) => ({ partitionId, index })),
  isPublished: () => true,
  checkpoints: new Map(),
  ledger: new Map(),
  covered: () => true,
  brokenChains: new Map(),
  before: new Map(),
}
const rows = (...checkpoints: StoredCheckpoint[]): Look['checkpoints'] =>
  new Map(checkpoints.map((row) => [row.partitionId, row]))

/** Looks at the given times, each remembering the one before; returns what each found. */
function lookAt(times: readonly number[], look: (nowMs: number) => Partial<Look>): Difference[] {
  let before: Look['before'] = new Map()
  return times.map((nowMs) => {
    const found = compareRun({ ...nothing, nowMs, before, ...look(nowMs) })
    before = found.sightings
    return found
  })
}
const nobody = (): boolean => false

test('a run that is worked on shows no difference', () => {
  const found = compareRun({
    ...nothing,
    checkpoints: rows(row(a, 'completed'), row(b, 'running')),
    ledger: new Map([[a, told('completed')]]),
  })
  expect(found).toEqual({
    ...{ ended: null, unswept: [], stranded: [], untold: [], doubts: [], tripped: false, sightings: new Map() },
  })
})

test('a partition without an open task is stranded when it still is after the patience', () => {
  const found = lookAt([0, 5_000, 10_000, 15_000, 20_000], () => ({ covered: (id) => id === b }))
  expect(found.map(({ stranded }) => stranded)).toEqual([[], [], [a], [], [a]])
})

test('one late look alone is not enough', () => {
  expect(lookAt([1_000_000], () => ({ covered: nobody }))[0]?.stranded).toEqual([])
})

test('a claimed partition is left alone for a whole lease after its last progress', () => {
  const sequenceAt = (nowMs: number): number => (nowMs < 50_000 ? 1 : 2)
  const found = lookAt([0, 10_000, 50_000, 60_000, 109_999, 110_000], (nowMs) => ({
    covered: (id) => id === b,
    checkpoints: rows(row(a, 'running', 1, sequenceAt(nowMs))),
  }))
  expect(found.map(({ stranded }) => stranded)).toEqual([[], [], [], [], [], [a]])
})

test('while open tasks are not known, nothing counts as stranded, and time does not pass', () => {
  const found = lookAt([0, 10_000, 20_000, 30_000], (nowMs) => ({ covered: nowMs === 10_000 ? undefined : nobody }))
  expect(found.map(({ stranded }) => stranded.length)).toEqual([0, 0, 0, 2])
})

test('what the planner has not published yet is its business', () => {
  const found = lookAt([0, 20_000], () => ({ covered: nobody, isPublished: () => false }))
  expect(found.map(({ stranded }) => stranded)).toEqual([[], []])
})

test('an end that the ledger has not heard of is told again, and the run does not end before', () => {
  const checkpoints = rows(row(a, 'completed'), row(b, 'completed'))
  const ledger = new Map([
    [a, told('completed')],
    [b, told('running')],
  ])
  const found = lookAt([0, 10_000], () => ({ checkpoints, ledger, covered: nobody }))
  expect(found.map(({ untold }) => untold.map(({ partitionId }) => partitionId))).toEqual([[], [b]])
  expect(found[1]?.ended).toBeNull()
})

test('an end is told again only when what was told is recorded: a ledger that is late has not lost it', () => {
  const checkpoints = rows(row(a, 'completed'), row(b, 'completed'))
  const ledger = new Map([[a, told('completed')]])
  const times = [0, 10_000, 20_000, 30_000, 40_000]
  const of = { checkpoints, ledger, covered: nobody }
  const late = lookAt(times, (nowMs) => ({ ...of, recordedThroughMs: Math.min(nowMs, 9_999) }))
  expect(late.map(({ untold }) => untold.length)).toEqual([0, 0, 0, 0, 0])
  const behind = lookAt(times, (nowMs) => ({ ...of, recordedThroughMs: nowMs - 15_000 }))
  expect(behind.map(({ untold }) => untold.length)).toEqual([0, 0, 0, 1, 0])
})

test('while its task is open, whoever gets it tells the end: nobody else does for a whole lease', () => {
  const checkpoints = rows(row(a, 'completed'), row(b, 'completed'))
  const ledger = new Map([[a, told('completed')]])
  for (const covered of [() => true, undefined]) {
    const found = lookAt([0, 10_000, 59_999, 60_000], () => ({ checkpoints, ledger, covered }))
    expect(found.map(({ untold }) => untold.length)).toEqual([0, 0, 0, 1])
  }
})

describe('doubts', () => {
  const kinds = (found: readonly Difference[]): string[][] => found.map(({ doubts }) => doubts.map(({ kind }) => kind))

  test('a ledger that is ahead is one when it lasts, also while the partition catches up, and is over with that', () => {
    const found = lookAt([0, 5_000, 10_000, 15_000, 20_000], (nowMs) => ({
      checkpoints: rows(row(a, 'running', 1, 1 + nowMs / 5_000)),
      ledger: new Map([[a, told('running', 1, 5)]]),
    }))
    expect(kinds(found)).toEqual([[], [], ['ledgerAhead'], ['ledgerAhead'], []])
  })

  test('a row that is gone is doubted, and its partition goes on: it is published again', () => {
    const found = lookAt([0, 10_000], () => ({ ledger: new Map([[a, told('completed')]]), covered: (id) => id === b }))
    expect(kinds(found)).toEqual([[], ['checkpointMissing']])
    expect(found[1]?.doubts[0]).toMatchObject({ partition: { partitionId: a, index: 0 }, isLive: true })
    expect(found[1]?.stranded).toEqual([a])
  })

  test('a partition that is done again because its row was gone is still that, until it has caught up', () => {
    const found = lookAt([0, 10_000, 15_000, 20_000], (nowMs) => ({
      checkpoints: nowMs < 15_000 ? new Map() : rows(row(a, 'running', 1, nowMs < 20_000 ? 1 : 3)),
      ledger: new Map([[a, told('running')]]),
    }))
    expect(kinds(found)).toEqual([[], ['checkpointMissing'], ['checkpointMissing'], []])
  })

  test('other counts at the same place must stand still', () => {
    const other = { ...told('running'), totals: { ...told('running').totals, contentHash: '8' } }
    const still = lookAt([0, 10_000], () => ({ checkpoints: rows(row(a, 'running')), ledger: new Map([[a, other]]) }))
    expect(kinds(still)).toEqual([[], ['hashDiffers']])
    const moving = lookAt([0, 10_000], (nowMs) => ({
      checkpoints: rows(row(a, 'running', 1, 3 + nowMs)),
      ledger: new Map([[a, { ...other, sequence: 3 + nowMs }]]),
    }))
    expect(kinds(moving)).toEqual([[], []])
  })

  test('of a run that is over too, where nothing is live and nothing is published again', () => {
    const found = lookAt([0, 10_000], () => ({
      ...{ state: 'completed', covered: nobody, checkpoints: rows(row(b, 'completed')) },
      ledger: new Map([
        [a, told('completed')],
        [b, told('running', 1, 2)],
      ]),
    }))
    expect(kinds(found)).toEqual([[], ['checkpointMissing']])
    expect(found[1]?.doubts[0]?.isLive).toBe(false)
    expect(found[1]?.stranded).toEqual([])
    expect(found[1]?.untold.map(({ partitionId }) => partitionId)).toEqual([b])
  })

  test('an end that is told over and over would not help a ledger that is ahead', () => {
    const found = lookAt([0, 10_000], () => ({
      checkpoints: rows(row(a, 'completed', 1, 3)),
      ledger: new Map([[a, told('running', 2, 4)]]),
    }))
    expect(kinds(found)).toEqual([[], ['ledgerAhead']])
    expect(found[1]?.untold).toEqual([])
  })

  test('chunks that contradict their row', () => {
    const found = lookAt([0, 10_000], () => ({
      ...{ state: 'completed', checkpoints: rows(row(a, 'completed'), row(b, 'completed')) },
      brokenChains: new Map([[a, 'its last chunk was not committed']]),
      ledger: new Map([a, b].map((id) => [id, told('completed')])),
    }))
    expect(kinds(found)).toEqual([[], ['phantomCompletion']])
  })
})

test('an end that the ledger knows of an earlier hold only is not known', () => {
  const ledger = new Map([
    [a, told('failed', 1, 3)],
    [b, told('completed')],
  ])
  const found = compareRun({ ...nothing, checkpoints: rows(row(a, 'completed', 2, 5), row(b, 'completed')), ledger })
  expect(found.ended).toBeNull()
})

test('a run ends when all is terminal and known, with the sums of the checkpoint rows', () => {
  const ledger = new Map([
    [a, told('completed')],
    [b, told('completed')],
  ])
  const found = compareRun({ ...nothing, checkpoints: rows(row(a, 'completed'), row(b, 'completed')), ledger })
  expect(found.ended).toEqual({
    state: 'completed',
    partitionsFailed: 0,
    partitionsCancelled: 0,
    totals: { rowsRead: 20, rowsWritten: 20, rowsFiltered: 0, rowsRejected: 0, chunks: 6, contentHash: '14' },
  })
})

test('one failed partition fails the run, when all others have ended too', () => {
  const ledger = new Map([
    [a, told('failed')],
    [b, told('completed')],
  ])
  const running = compareRun({ ...nothing, checkpoints: rows(row(a, 'failed'), row(b, 'running')), ledger })
  expect(running.ended).toBeNull()
  const ended = compareRun({ ...nothing, checkpoints: rows(row(a, 'failed'), row(b, 'completed')), ledger })
  expect(ended.ended).toMatchObject({ state: 'failed', partitionsFailed: 1 })
})

describe('the circuit breaker', () => {
  const ids = Array.from({ length: 200 }, (_, n) => `00000003-0000-4000-8000-${String(n).padStart(12, '0')}`)
  const look = (completed: number, failed: number, more: Partial<Look> = {}): Difference => {
    const stateOf = (n: number): PartitionState =>
      n < completed ? 'completed' : n < completed + failed ? 'failed' : 'running'
    return compareRun({
      ...nothing,
      plan: ids.map((partitionId, index) => ({ partitionId, index })),
      checkpoints: rows(...ids.map((id, n) => row(id, stateOf(n)))),
      ...more,
    })
  }

  test.each([
    [0, 49, false],
    [0, 50, true],
    [25, 25, false],
    [24, 26, true],
    [100, 99, false],
    [90, 91, true],
  ])('%i completed and %i failed: %s', (completed, failed, tripped) => {
    expect(look(completed, failed).tripped).toBe(tripped)
  })

  test('does not trip for a run that is paused, cancelled or at its end', () => {
    expect(look(0, 100, { state: 'paused' }).tripped).toBe(false)
    expect(look(0, 100, { state: 'cancelling' }).tripped).toBe(false)
    // Every partition is terminal: nothing is left to be saved.
    const ended = look(0, 200, { ledger: new Map(ids.map((id) => [id, told('failed')])) })
    expect([ended.tripped, ended.ended?.state]).toEqual([false, 'failed'])
  })
})

import { expect, test } from 'vitest'
import { readRequest } from '../../src/plan/admit-request.ts'

const request = {
  version: 1,
  type: 'start',
  requestKey: 'orders/2024',
  backfill: 'orders-v2',
  params: { from: '2024-01-01' },
}

test('a request that is right is taken as it is', () => {
  expect(readRequest(request)).toEqual({ kind: 'request', request })
})

test('params may be left out', () => {
  expect(readRequest({ ...request, params: undefined })).toEqual({
    kind: 'request',
    request: { ...request, params: {} },
  })
})

test('every reason is named at once, with field and value, and the key is kept', () => {
  expect(readRequest({ ...request, version: 2, backfill: 'Orders V2', paramz: {} })).toEqual({
    kind: 'invalid',
    requestKey: 'orders/2024',
    reasons: [
      'version: Invalid input: expected 1, got 2',
      'backfill: must be lower-case words joined by hyphens, such as orders-v2, got "Orders V2"',
      'unknown field "paramz"',
    ],
  })
})

test.each([
  [null, null],
  [[], null],
  ['start', null],
  [{ requestKey: 7 }, null],
  [{ ...request, type: 'begin' }, 'orders/2024'],
  [{ ...request, requestKey: '' }, null],
])('%j is refused', (json, requestKey) => {
  const read = readRequest(json)
  expect(read).toMatchObject({ kind: 'invalid', requestKey })
  if (read.kind === 'invalid') expect(read.reasons.length).toBeGreaterThan(0)
})

test.each([['a\0b'], ['\ud800'], [{ 'a\0': 1 }], [JSON.parse('1e999')]])(
  'what cannot be stored (%j) is refused',
  (value) => {
    expect(readRequest({ ...request, params: { note: [value] } })).toMatchObject({
      kind: 'invalid',
      requestKey: null,
      reasons: [expect.stringContaining('params.note.0')],
    })
  },
)

const tune = { version: 1, type: 'tune', requestKey: 'tune/1', runId: '019aa000-0000-7000-8000-000000000001' }

test('a tune has one setting at least, null among them, and every one is within its range', () => {
  expect(readRequest({ ...tune, rowsPerSecond: null })).toMatchObject({ kind: 'request' })
  expect(readRequest({ ...tune, reason: 'why not' })).toMatchObject({
    ...{ kind: 'invalid', requestKey: 'tune/1' },
    reasons: [
      'it names nothing to change: give one of chunkRows, maxConcurrentPartitions, rowsPerSecond, priority, weight',
    ],
  })
  const wrong = {
    chunkRows: 0,
    rowsPerSecond: 1.5,
    maxConcurrentPartitions: '4',
    priority: 101,
    weight: null,
    speed: 3,
  }
  const read = readRequest({ ...tune, ...wrong })
  expect(read.kind === 'invalid' && read.reasons.map((reason) => reason.split(':')[0])).toEqual([
    ...['chunkRows', 'maxConcurrentPartitions', 'rowsPerSecond', 'priority', 'weight', 'unknown field "speed"'],
  ])
})

import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { StatusEvent } from '../../src/contract/status.ts'
import { inMicros } from '../../src/ledger/instant-text.ts'
import { quickEvent } from '../../src/ledger/quick-event.ts'
import { claimed, completed, progressed } from '../support/partition-events.ts'

const right = fc.constantFrom<StatusEvent>(
  claimed({ cursor: 'a', at: '2026-02-28T23:59:59.123Z' }),
  progressed({ sequence: 3 }),
  completed({ epoch: 7 }),
  { ...completed(), type: 'partition.cancelled' } as StatusEvent,
)

/** A place in an event, and what stands there instead. */
const wrong = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    '01',
    '-0',
    'Worker',
    'a--b',
    'a-',
    [],
    {},
    true,
  ),
  fc.constantFrom(
    '2026-02-29T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:00:00Z',
  ),
  fc.constantFrom(
    '00000000-0000-0000-0000-000000000000',
    '00000002-0000-9000-8000-000000000001',
    'A0000002-0000-4000-8000-000000000001',
  ),
  fc.string({ maxLength: 600 }),
  fc.double(),
)

test.prop([right, fc.nat(), wrong, fc.boolean()], { numRuns: 20_000 })(
  'says the same as the schema, or nothing',
  (event, at, value, deep) => {
    const changed = structuredClone(event) as unknown as Record<string, unknown>
    const fields = Object.entries(changed)
    const [field = '', before] = fields[at % fields.length] ?? []
    const inner =
      deep && typeof before === 'object' && before !== null ? (before as Record<string, unknown>) : undefined
    const keys = Object.keys(inner ?? {})
    if (inner !== undefined) inner[keys[at % keys.length] ?? ''] = value
    else changed[field] = value
    const quick = quickEvent(changed)
    if (quick === undefined) return
    const parsed = StatusEvent.parse(changed)
    expect(quick).toEqual({ ...parsed, at: inMicros(parsed.at) })
  },
)

test.prop([right])('knows the events of which there are many, and drops what it does not know', (event) => {
  expect(quickEvent({ ...event, colour: 'blue' })).toEqual({ ...event, at: inMicros(event.at) })
})

test.each([null, 'text', 7, [], {}])('of %j it says nothing', (json) => {
  expect(quickEvent(json)).toBeUndefined()
})

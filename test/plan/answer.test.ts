import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import type { StartRequest } from '../../src/contract/request.ts'
import { StatusEvent } from '../../src/contract/status.ts'
import { bodyHashOf, rejected, requestHashOf } from '../../src/plan/answer.ts'

const start: StartRequest = {
  version: 1,
  type: 'start',
  requestKey: 'k',
  backfill: 'orders-v2',
  params: { a: 1, b: [2] },
}
const none = Buffer.alloc(0)

test('the order of fields and the space between them do not matter', () => {
  expect(requestHashOf({ a: 1, b: 2 }, none)).toBe(requestHashOf({ b: 2, a: 1 }, Buffer.from('other bytes')))
  expect(requestHashOf({ a: 1 }, none)).not.toBe(requestHashOf({ a: 2 }, none))
})

test('what is no JSON, or has no canonical form, is known by its bytes', () => {
  expect(requestHashOf(undefined, Buffer.from('x'))).not.toBe(requestHashOf(undefined, Buffer.from('y')))
  expect(requestHashOf(JSON.parse('1e999'), Buffer.from('1e999'))).toBe(requestHashOf(undefined, Buffer.from('1e999')))
})

test('a key is bound to what is asked for, not to who asks', () => {
  expect(bodyHashOf({ ...start, params: { b: [2], a: 1 }, requestedBy: 'eva' })).toBe(bodyHashOf(start))
  expect(bodyHashOf({ ...start, backfill: 'orders-v3' })).not.toBe(bodyHashOf(start))
})

test.prop([fc.array(fc.string({ maxLength: 3_000 }), { minLength: 1, maxLength: 80 })])(
  'a rejection is always an event that fits',
  (reasons) => {
    const event = rejected({ requestKey: null, requestHash: requestHashOf(1, none) }, reasons, new Date(0))
    expect(StatusEvent.parse(event)).toEqual(event)
    expect(JSON.stringify(event).length).toBeLessThan(700_000)
  },
)

import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { CopyBuffer, copyLayout } from '../../src/postgres/copy-binary.ts'
import { redactedMessage, rowText, withoutValues } from '../../src/work/redact.ts'
import { column } from '../postgres/columns.ts'

test('the columns named are redacted wherever in the row they stand', () => {
  const row = { id: 7n, email: 'ana@example.com', nested: { email: { a: 1 }, other: 'kept' } }
  expect(rowText(row, ['email'])).toBe('{"id":"7","email":"[redacted]","nested":{"email":"[redacted]","other":"kept"}}')
  expect(rowText(row, [])).toContain('ana@example.com')
})

test('a row that is no JSON is told, not thrown', () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  expect(rowText(circle, [])).toContain('no JSON')
})

test.prop([fc.string({ minLength: 12, maxLength: 400 })])(
  'a value is in no message about its row, also where the message cuts it short',
  (secret) => {
    const buffer = new CopyBuffer(copyLayout([column('age', 'int4')]))
    const row = { age: `${secret}, which is no number` }
    let message = ''
    try {
      buffer.add(row)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toContain('age')
    const told = redactedMessage(message, [row], ['age'])
    expect(told).toContain('[redacted]')
    expect(told).not.toContain(JSON.stringify(secret.slice(0, 12)).slice(1, -1))
  },
)

test('dates, numbers and objects are redacted in the ways messages write them', () => {
  const at = new Date(Date.UTC(2026, 0, 1))
  const row = { at, n: 123_456_789n, o: { card: '4111' } }
  const message = `at ${at.toISOString()} (${String(at)}) n 123456789 o {"card":"4111"}`
  expect(redactedMessage(message, [row], ['at', 'n', 'o'])).toBe('at [redacted] ([redacted]) n [redacted] o [redacted]')
  expect(redactedMessage(message, [row], [])).toBe(message)
})

test('a message without a row ends at the column that is redacted', () => {
  const message = 'table people, row with id 7: column "email" is not a number: got "ana@example.com"; correct the row'
  expect(withoutValues(message, ['name', 'email'])).toBe('table people, row with id 7: column "email" [redacted]')
  expect(withoutValues(message, ['name'])).toBe(message)
})

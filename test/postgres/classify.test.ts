import { describe, expect, test } from 'vitest'
import { FencedError, messageOf, RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { classify, spoilsConnection } from '../../src/postgres/classify.ts'

const database = 'db.example:5432/orders'
const failure = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code })
const codeAfter = (error: Error, committing = false): unknown => {
  const classified = classify(error, { database, committing })
  return classified instanceof RetryableError || classified instanceof TerminalError ? classified.code : classified
}

describe('what an error means', () => {
  test.each([
    ['ECONNREFUSED', 'POSTGRES_UNREACHABLE'],
    ['ECONNRESET', 'POSTGRES_UNREACHABLE'],
    ['57P01', 'POSTGRES_UNREACHABLE'],
    ['57P03', 'POSTGRES_UNREACHABLE'],
    ['53300', 'POSTGRES_UNREACHABLE'],
    ['08006', 'POSTGRES_UNREACHABLE'],
    ['25006', 'POSTGRES_UNREACHABLE'],
    ['40001', 'SINK_BUSY'],
    ['40P01', 'SINK_BUSY'],
    ['55P03', 'SINK_BUSY'],
    ['53100', 'SINK_FULL'],
    ['53200', 'CHUNK_TOO_LARGE'],
    ['54000', 'CHUNK_TOO_LARGE'],
    ['57014', 'TIMED_OUT'],
    ['25P03', 'TIMED_OUT'],
    ['28P01', 'CONFIG_INVALID'],
    ['3D000', 'CONFIG_INVALID'],
  ])('%s is %s', (code, meaning) => {
    expect(codeAfter(failure('as the server said it', code))).toBe(meaning)
  })

  test.each([
    ['Connection terminated unexpectedly', 'POSTGRES_UNREACHABLE'],
    ['timeout exceeded when trying to connect', 'POSTGRES_UNREACHABLE'],
    ['Query read timeout', 'TIMED_OUT'],
  ])('"%s", which has no code, is %s', (message, meaning) => {
    expect(codeAfter(failure(message))).toBe(meaning)
  })

  test('a connection lost while a commit is in flight leaves the outcome unknown', () => {
    for (const error of [
      failure('', 'ECONNRESET'),
      failure('Connection terminated unexpectedly'),
      failure('Query read timeout'),
      failure('', '57P01'),
      failure('', '40003'),
    ])
      expect(codeAfter(error, true)).toBe('OUTCOME_UNKNOWN')
    // The server said no: that is known.
    expect(codeAfter(failure('', '40001'), true)).toBe('SINK_BUSY')
    const violated = failure('duplicate key', '23505')
    expect(classify(violated, { database, committing: true })).toBe(violated)
  })

  test('names the database and the cause', () => {
    const cause = failure('connect ECONNREFUSED 10.0.0.1:5432', 'ECONNREFUSED')
    const message = messageOf(classify(cause, { database, committing: false }))
    expect(message).toContain(database)
    expect(message).toContain('10.0.0.1')
  })

  test('is total: whatever is not the server’s state comes back as it is', () => {
    for (const other of [failure('relation does not exist', '42P01'), new FencedError('gone'), 'text', null, undefined])
      expect(classify(other, { database, committing: false })).toBe(other)
  })
})

test('a connection is used again only when the server answered', () => {
  expect(spoilsConnection(failure('', '23505'))).toBe(false)
  expect(spoilsConnection(failure('', '57014'))).toBe(false)
  expect(spoilsConnection(new FencedError('gone'))).toBe(false)
  expect(spoilsConnection(failure('Query read timeout'))).toBe(true)
  expect(spoilsConnection(failure('', '57P01'))).toBe(true)
  expect(spoilsConnection(failure('', 'EPIPE'))).toBe(true)
})

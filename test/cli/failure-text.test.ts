import { describe, expect, test } from 'vitest'
import { EndedWith, exitCodes } from '../../src/cli/exit-code.ts'
import { failureText } from '../../src/cli/failure-text.ts'
import { TerminalError } from '../../src/contract/errors.ts'

describe('what a person reads when a command fails', () => {
  test('one sentence, with what caused it', () => {
    const error = new TerminalError('CONFIG_INVALID', 'X_FILE is "a", which cannot be read', {
      cause: new Error('ENOENT'),
    })
    expect(failureText(error, false)).toBe('tidemark: X_FILE is "a", which cannot be read: ENOENT\n')
  })

  test('several reasons, each on its line, after what they are reasons for', () => {
    const error = new EndedWith(exitCodes.usage, 'request "a" was rejected: one; two', { reasons: ['one', 'two'] })
    expect(failureText(error, false)).toBe('tidemark: request "a" was rejected:\n  - one\n  - two\n')
  })

  test('reasons that are the whole message are not said twice', () => {
    const error = new TerminalError('CONFIG_INVALID', 'A is not set; B is not set', {
      reasons: ['A is not set', 'B is not set'],
    })
    expect(failureText(error, false)).toBe('tidemark: 2 things are wrong:\n  - A is not set\n  - B is not set\n')
  })

  test('a stack trace only for who debugs', () => {
    const error = new TerminalError('NOT_FOUND', 'no run', { cause: new Error('why') })
    expect(failureText(error, false)).not.toContain('at ')
    expect(failureText(error, true)).toContain('failure-text.test.ts')
    expect(failureText(error, true)).toContain('caused by Error: why')
  })

  test('what nobody named is called a bug', () => {
    expect(failureText(new TypeError('x is not a function'), false)).toContain('LOG_LEVEL=debug')
  })
})

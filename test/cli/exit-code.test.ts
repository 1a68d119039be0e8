import { CommanderError } from '@commander-js/extra-typings'
import { describe, expect, test } from 'vitest'
import { EndedWith, exitCodeOf, exitCodes, isExitCode } from '../../src/cli/exit-code.ts'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'

describe('the exit code of an error', () => {
  test.each([
    [new TerminalError('CONFIG_INVALID', 'KAFKA_BROKERS is not set'), 2],
    [new TerminalError('DEFINITION_INVALID', 'x'), 2],
    [new TerminalError('DEFINITION_UNKNOWN', 'x'), 2],
    [new TerminalError('TOPIC_MISSING', 'x'), 2],
    [new TerminalError('RUN_FAILED', 'x'), 3],
    [new TerminalError('NOT_FOUND', 'x'), 5],
    [new RetryableError('TIMED_OUT', 'x'), 6],
    [new RetryableError('KAFKA_UNREACHABLE', 'x'), 7],
    [new RetryableError('POSTGRES_UNREACHABLE', 'x'), 7],
    [new RetryableError('REGISTRY_UNREACHABLE', 'x'), 7],
    [new TerminalError('STACK_UNAVAILABLE', 'x'), 7],
    [new TerminalError('TARGET_BUSY', 'x'), 8],
    [new EndedWith(exitCodes.checkFailed, 'hashes differ'), 4],
    [new CommanderError(1, 'commander.unknownOption', 'unknown option'), 2],
    [new CommanderError(0, 'commander.helpDisplayed', 'help'), 0],
    [new TypeError('x is not a function'), 1],
    ['a string', 1],
  ])('%s', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })

  test('only codes that mean something are passed on from a child', () => {
    expect(isExitCode(7)).toBe(true)
    expect(isExitCode(137)).toBe(false)
  })
})

import { CommanderError } from '@commander-js/extra-typings'
import { messageOf, TerminalError } from '../contract/errors.ts'
import { EndedWith, exitCodeOf, exitCodes } from './exit-code.ts'

/**
 * What a person reads when a command fails: one sentence, every reason on a line of its own when there are several,
 * and the stack trace only for who debugs. Empty for what commander has already said.
 */
export function failureText(error: unknown, debug: boolean): string {
  if (error instanceof CommanderError) return ''
  const lines: string[] = []
  const reasons = error instanceof TerminalError || error instanceof EndedWith ? error.reasons : []
  if (reasons.length > 1) {
    lines.push(`tidemark: ${headOf(error, reasons)}`)
    for (const reason of reasons) lines.push(`  - ${reason}`)
  } else lines.push(`tidemark: ${messageOf(error)}`)
  if (debug && error instanceof Error) lines.push(stackOf(error))
  else if (exitCodeOf(error) === exitCodes.bug)
    lines.push('  this looks like a bug: LOG_LEVEL=debug shows where it comes from')
  return `${lines.join('\n')}\n`
}

/** The sentence without its reasons, which follow as a list: a message is often all of them joined. */
function headOf(error: unknown, reasons: readonly string[]): string {
  const message = messageOf(error)
  const first = message.indexOf(reasons[0] ?? '')
  if (first === 0) return `${reasons.length} things are wrong:`
  return first < 0 ? message : message.slice(0, first).trimEnd()
}

function stackOf(error: Error): string {
  const own = error.stack ?? ''
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own
}

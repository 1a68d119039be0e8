import { readFileSync } from 'node:fs'
import type { Command } from '@commander-js/extra-typings'
import { v7 as uuidV7 } from 'uuid'
import { PartitionId } from '../contract/ids.ts'
import type { RetryRequest } from '../contract/request.ts'
import type { CommandContext } from './context.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseDurationMs } from './parse-options.ts'
import { collect } from './request.ts'
import { submit } from './submit.ts'
import { parseRunId } from './watch.ts'

/** `tidemark retry`: a run of what failed in another one, or of a part of it that is named. */
export function addRetry(program: Command, context: CommandContext): void {
  program
    .command('retry')
    .description(
      'do again what failed in a run that has ended, or another part of it: a run of its own, by the definition as it is now',
    )
    .argument('<run>', 'id of the run')
    .option('--partition <id>', 'only this partition, failed or cancelled; may be given several times', collect)
    .option('--rejected', 'the completed partitions that had rejected rows')
    .option('--range <from..to>', 'this part of its domain, completed or not; may be given several times', collect)
    .option('--key <value>', 'the row of the table with this key; may be given several times', collect)
    .option('--keys-file <file>', 'the rows with the keys of this file, one a line; -: of stdin')
    .option('--reason <text>', 'why, for the record')
    .option('--request-key <key>', 'name of this request: the same key and body are the same run for ever')
    .option('--wait', 'wait until the run has ended')
    .option('--timeout <duration>', 'how long to wait for the answer', parseDurationMs, 30_000)
    .option('--json', 'one JSON document on stdout')
    .action((run, options) => {
      const runId = parseRunId(run)
      const { partition, rejected, reason, requestKey } = options
      const keys = keysOf(options.key, options.keysFile)
      const user = context.env['USER']
      for (const id of partition ?? [])
        if (!PartitionId.safeParse(id).success)
          throw new EndedWith(exitCodes.usage, `--partition "${id}" is not the id of a partition, which is a UUID`)
      const request: RetryRequest = {
        ...{ version: 1, type: 'retry', runId, requestKey: requestKey ?? `retry/${runId}/${uuidV7()}` },
        ...(partition === undefined ? {} : { partitionIds: [...partition] }),
        ...(rejected === undefined ? {} : { rejected }),
        ...(options.range === undefined ? {} : { ranges: options.range.map(rangeOf) }),
        ...(keys === undefined ? {} : { keys }),
        ...(reason === undefined ? {} : { reason }),
        ...(user === undefined || user === '' ? {} : { requestedBy: user }),
      }
      return submit(context, request, options)
    })
}

function rangeOf(text: string): { from: string; to: string } {
  const at = text.indexOf('..')
  if (at > 0 && at + 2 < text.length) return { from: text.slice(0, at), to: text.slice(at + 2) }
  throw new EndedWith(exitCodes.usage, `--range "${text}" is no range, which is FROM..TO, such as 1000..2000`)
}

function keysOf(given: readonly string[] | undefined, file: string | undefined): string[] | undefined {
  if (given === undefined && file === undefined) return undefined
  return [...(given ?? []), ...(file === undefined ? [] : linesOf(file))]
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '')
  } catch (error) {
    throw new EndedWith(exitCodes.usage, `--keys-file ${file} cannot be read`, { cause: error })
  }
}

import { type Command, InvalidArgumentError } from '@commander-js/extra-typings'
import { v7 as uuidV7 } from 'uuid'
import { type TuneRequest, tunable } from '../contract/request.ts'
import { askChange } from './ask-change.ts'
import type { CommandContext } from './context.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseCount, parseDurationMs } from './parse-options.ts'
import { parseRunId } from './watch.ts'

/** `tidemark tune`: limits of a live run. */
export function addTune(program: Command, context: CommandContext): void {
  program
    .command('tune')
    .description('change limits of a live run; "none": back to what its definition says')
    .argument('<run>', 'id of the run')
    .option('--chunk-rows <n|none>', 'rows of a chunk, from the next one on', countOrNone(500_000))
    .option('--rows-per-second <n|none>', 'rows read in a second, by all workers together', countOrNone(1_000_000_000))
    .option('--max-concurrent-partitions <n|none>', 'tasks that are open at the same time', countOrNone(1_000_000))
    .option('--priority <n>', 'tasks of runs with a higher one are published first', priority)
    .option('--weight <n>', 'share of the tasks among runs of one priority', parseCount(1, 1_000))
    .option('--reason <text>', 'why, for the record')
    .option('--request-key <key>', 'name of this request: the same key and body get the same answer for ever')
    .option('--wait', 'wait until every worker obeys')
    .option(
      '--timeout <duration>',
      'how long to wait for the answer, and with --wait for the rest',
      parseDurationMs,
      30_000,
    )
    .option('--json', 'one JSON document on stdout')
    .action((run, options) => {
      const runId = parseRunId(run)
      const user = context.env['USER']
      const named = tunable.filter((name) => options[name] !== undefined)
      if (named.length === 0)
        throw new EndedWith(exitCodes.usage, 'nothing to change: give --chunk-rows, --rows-per-second or another limit')
      const request: TuneRequest = {
        ...{ version: 1, type: 'tune', runId, requestKey: options.requestKey ?? `tune/${runId}/${uuidV7()}` },
        ...Object.fromEntries(named.map((name) => [name, options[name] === 'none' ? null : options[name]])),
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        ...(user === undefined || user === '' ? {} : { requestedBy: user }),
      }
      return askChange(context, request, options)
    })
}

const countOrNone =
  (most: number) =>
  (text: string): number | 'none' =>
    text === 'none' ? text : parseCount(1, most)(text)

function priority(text: string): number {
  if (/^-?\d+$/.test(text) && Math.abs(Number(text)) <= 100) return Number(text)
  throw new InvalidArgumentError(`"${text}" is not a whole number from -100 to 100`)
}

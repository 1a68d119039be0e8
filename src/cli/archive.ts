import type { Command } from '@commander-js/extra-typings'
import { v7 as uuidV7 } from 'uuid'
import { askChange } from './ask-change.ts'
import type { CommandContext } from './context.ts'
import { parseDurationMs } from './parse-options.ts'
import { parseRunId } from './watch.ts'

/** `tidemark archive`: puts a run that has ended away. */
export function addArchive(program: Command, context: CommandContext): void {
  program
    .command('archive')
    .description(
      'put a run that has ended away: "status" lists it only with --all; nothing of it is deleted, its history is packed',
    )
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'why, for the record')
    .option('--request-key <key>', 'name of this request: the same key and body get the same answer for ever')
    .option('--timeout <duration>', 'how long to wait for the answer', parseDurationMs, 30_000)
    .option('--json', 'one JSON document on stdout')
    .action((run, { reason, requestKey, ...options }) => {
      const runId = parseRunId(run)
      const user = context.env['USER']
      const request = {
        ...{ version: 1 as const, type: 'archive' as const, runId },
        requestKey: requestKey ?? `archive/${runId}/${uuidV7()}`,
        ...(reason === undefined ? {} : { reason }),
        ...(user === undefined || user === '' ? {} : { requestedBy: user }),
      }
      return askChange(context, request, options)
    })
}

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

/** `tidemark retry`: a run of what failed in another one. */
export function addRetry(program: Command, context: CommandContext): void {
  program
    .command('retry')
    .description(
      'do again what failed in a run that has ended: a run of those partitions, by the definition as it is now',
    )
    .argument('<run>', 'id of the run')
    .option('--partition <id>', 'only this partition, failed or cancelled; may be given several times', collect)
    .option('--reason <text>', 'why, for the record')
    .option('--request-key <key>', 'name of this request: the same key and body are the same run for ever')
    .option('--wait', 'wait until the run has ended')
    .option('--timeout <duration>', 'how long to wait for the answer', parseDurationMs, 30_000)
    .option('--json', 'one JSON document on stdout')
    .action((run, options) => {
      const runId = parseRunId(run)
      const { partition, reason, requestKey } = options
      const user = context.env['USER']
      for (const id of partition ?? [])
        if (!PartitionId.safeParse(id).success)
          throw new EndedWith(exitCodes.usage, `--partition "${id}" is not the id of a partition, which is a UUID`)
      const request: RetryRequest = {
        ...{ version: 1, type: 'retry', runId, requestKey: requestKey ?? `retry/${runId}/${uuidV7()}` },
        ...(partition === undefined ? {} : { partitionIds: [...partition] }),
        ...(reason === undefined ? {} : { reason }),
        ...(user === undefined || user === '' ? {} : { requestedBy: user }),
      }
      return submit(context, request, options)
    })
}

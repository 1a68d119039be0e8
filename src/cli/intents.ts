import { createInterface } from 'node:readline/promises'
import type { Command } from '@commander-js/extra-typings'
import { v7 as uuidV7 } from 'uuid'
import { PartitionId, type RunId } from '../contract/ids.ts'
import type { IntentRequest } from '../contract/request.ts'
import { askChange, type ChangeOptions } from './ask-change.ts'
import type { CommandContext } from './context.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseDurationMs } from './parse-options.ts'
import { parseRunId } from './watch.ts'

interface IntentOptions extends ChangeOptions {
  readonly partition?: string | undefined
  readonly reason?: string | undefined
  readonly requestKey?: string | undefined
}

const descriptions = {
  pause: 'stop a run, or one of its partitions, at the next chunk boundary, and keep its place',
  resume: 'let a paused run, or partition, go on where it stands',
  cancel: 'stop a run, or one of its partitions, for good; what is written stays',
} as const satisfies Record<IntentRequest['type'], string>

/** `tidemark pause`, `resume` and `cancel`. */
export function addIntents(program: Command, context: CommandContext): void {
  for (const type of ['pause', 'resume'] as const)
    withOptions(program, type).action((run, options) => ask(context, type, parseRunId(run), options))
  withOptions(program, 'cancel')
    .option('--yes', 'do not ask whether it is meant')
    .action(async (run, options) => {
      const runId = parseRunId(run)
      if (options.yes !== true) await confirm(`Cancel ${options.partition ?? `run ${runId}`}? It is for good. [y/N] `)
      await ask(context, 'cancel', runId, options)
    })
}

function withOptions(program: Command, type: IntentRequest['type']) {
  return program
    .command(type)
    .description(descriptions[type])
    .argument('<run>', 'id of the run')
    .option('--partition <id>', 'only this partition')
    .option('--reason <text>', 'why, for the record')
    .option('--request-key <key>', 'name of this request: the same key and body get the same answer for ever')
    .option('--wait', type === 'cancel' ? 'wait until nothing of it is live any more' : 'wait until every worker obeys')
    .option(
      '--timeout <duration>',
      'how long to wait for the answer, and with --wait for the rest',
      parseDurationMs,
      30_000,
    )
    .option('--json', 'one JSON document on stdout')
}

function ask(
  context: CommandContext,
  type: IntentRequest['type'],
  runId: RunId,
  options: IntentOptions,
): Promise<void> {
  const { partition } = options
  const isRunCancelled = type === 'cancel' && partition === undefined
  return askChange(context, requestOf(type, runId, options, context.env['USER']), options, {
    ...(partition === undefined ? {} : { of: partition }),
    ...(isRunCancelled ? { isDone: ({ state }) => state === 'cancelled' } : {}),
  })
}

function requestOf(
  type: IntentRequest['type'],
  runId: RunId,
  { partition, reason, requestKey }: IntentOptions,
  user: string | undefined,
): IntentRequest {
  if (partition !== undefined && !PartitionId.safeParse(partition).success)
    throw new EndedWith(exitCodes.usage, `--partition "${partition}" is not the id of a partition, which is a UUID`)
  return {
    ...{ version: 1, type, runId, requestKey: requestKey ?? `${type}/${runId}/${uuidV7()}` },
    ...(partition === undefined ? {} : { partitionId: partition }),
    ...(reason === undefined ? {} : { reason }),
    ...(user === undefined || user === '' ? {} : { requestedBy: user }),
  }
}

/** Never off a terminal: a script says --yes. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new EndedWith(exitCodes.usage, 'to cancel is for good: say --yes')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(question)
    if (!/^y(es)?$/i.test(answer.trim())) throw new EndedWith(exitCodes.usage, 'nothing was cancelled')
  } finally {
    lines.close()
  }
}

import { readFileSync } from 'node:fs'
import { Command } from '@commander-js/extra-typings'
import type { Parent } from '../process/parent.ts'
import { addArchive } from './archive.ts'
import { addCertify } from './certify.ts'
import { addConfig } from './config.ts'
import type { CommandContext } from './context.ts'
import { addCoverage } from './coverage.ts'
import { addExplain } from './explain.ts'
import { addIntents } from './intents.ts'
import { addOffsets } from './offsets.ts'
import { addPlan } from './plan.ts'
import { addRetry } from './retry.ts'
import { addRoles } from './roles.ts'
import { addRun } from './run.ts'
import { addSchedules } from './schedules.ts'
import { addSchema } from './schema.ts'
import { addStatus } from './status.ts'
import { addSubmit } from './submit.ts'
import { addTopics } from './topics.ts'
import { addTune } from './tune.ts'
import { addUp } from './up.ts'
import { addVerify } from './verify.ts'
import { addWatch } from './watch.ts'

/** The whole command line. Errors are thrown, never exited on: CommanderError for what was typed wrong. */
export function createProgram(context: CommandContext, parent: Parent | undefined): Command {
  const program = new Command('tidemark')
    .description('Large backfills that are exact, resumable, parallel and provable, on Apache Kafka and Postgres')
    .version(readVersion())
    .option(
      '--config <file>',
      'file with settings (default: $TIDEMARK_CONFIG, or tidemark.config.yaml, .yml or .json in this folder)',
    )
    .hook('preAction', async (program, command) => {
      // A schema is what one mends a broken file with.
      if (command.name() !== 'schema') await context.configure(program.opts().config)
    })
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'tidemark: ')) })
    .showHelpAfterError('  "tidemark help" lists the commands, "tidemark help COMMAND" the options of one')
  addUp(program, context)
  addRun(program, context)
  addPlan(program, context)
  addSchema(program, context)
  addConfig(program, context)
  addSubmit(program, context)
  addRetry(program, context)
  addStatus(program, context)
  addSchedules(program, context)
  addExplain(program, context)
  addWatch(program, context)
  addCertify(program, context)
  addVerify(program, context)
  addCoverage(program, context)
  addIntents(program, context)
  addTune(program, context)
  addArchive(program, context)
  addOffsets(program, context)
  addTopics(program, context)
  addRoles(program, context, parent)
  return program
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

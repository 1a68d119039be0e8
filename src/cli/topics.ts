import type { Command } from '@commander-js/extra-typings'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'

/** `tidemark topics check | apply`: the topics as they are against the topics as declared. */
export function addTopics(program: Command, context: CommandContext): void {
  const topics = program.command('topics').description('compare topics with their declaration, or make them so')
  topics
    .command('check')
    .description('report every difference; exit code 2 when there is one')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ json }) => {
      const config = configOf(context)
      const { checkTopics } = await import('../compose.ts')
      const findings = await checkTopics(config, await createClientLog(context.env, config))
      if (json) context.output.json({ findings })
      if (findings.length === 0) {
        if (!json) context.output.data('all topics are as declared')
        return
      }
      const reasons = findings.map(({ topic, problem, remedy }) => `${topic} ${problem}; ${remedy}`)
      throw new EndedWith(exitCodes.usage, `topics are not as declared: ${reasons.join('; ')}`, { reasons })
    })
  topics
    .command('apply')
    .description('create missing topics, correct settings, register schemas when a registry is configured')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ json }) => {
      const config = configOf(context)
      const { applyTopics } = await import('../compose.ts')
      const changes = await applyTopics(config, await createClientLog(context.env, config))
      if (json) context.output.json({ changes })
      else for (const { topic, change } of changes) context.output.data(`${topic} ${change}`)
    })
}

/** Topics need no database; the configuration as a whole wants one named. */
function configOf(context: CommandContext): ReturnType<typeof readConfig> {
  const env = withRunningSystem(context.env, context.cwd, ['KAFKA_BROKERS'])
  return readConfig({ DATABASE_URL: 'postgres://localhost/not-used-here', ...env })
}

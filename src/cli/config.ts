import type { Command } from '@commander-js/extra-typings'
import type { CommandContext } from './context.ts'
import { runningEnv, withRunningSystem } from './dev-folder.ts'

/** `tidemark config`: the settings as they are in effect here, and where each comes from. */
export function addConfig(program: Command, context: CommandContext): void {
  program
    .command('config')
    .description('print the settings that are in effect, passwords left out; exit code 2 when they are not right')
    .option('--show-origin', 'say where each comes from: environment, file and line, a running system, or default')
    .option('--json', 'one JSON document on stdout, origins included')
    .action(async ({ showOrigin, json }) => {
      const [{ effectiveSettings }, { settingsText }, { readConfig }] = await Promise.all([
        import('../process/effective-settings.ts'),
        import('./config-text.ts'),
        import('../process/config.ts'),
      ])
      const { cwd, processEnv: env, configFile: file } = context
      const settings = effectiveSettings({ cwd, env, file, running: runningEnv(cwd) })
      if (json) context.output.json({ version: 1, file: file?.file ?? null, settings })
      else context.output.data(settingsText(settings, showOrigin === true))
      // What is there is worth seeing all the same; what is wrong with it comes after.
      readConfig(withRunningSystem(context.env, cwd, ['KAFKA_BROKERS', 'DATABASE_URL']))
    })
}

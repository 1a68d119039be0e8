import { Argument, type Command } from '@commander-js/extra-typings'
import type { CommandContext } from './context.ts'

/** `tidemark schema`: JSON Schemas, for editors and for programs that read what commands print. */
export function addSchema(program: Command, context: CommandContext): void {
  program
    .command('schema')
    .description(
      'print the JSON Schema of definition files (*.backfill.yaml), of configuration files (tidemark.config.yaml), or of what "plan --json" prints',
    )
    .addArgument(new Argument('<of>').choices(['definition', 'config', 'plan'] as const))
    .action(async (of) => {
      const [{ z }, { DefinitionFile }, { ConfigFile }, { PlanReport }] = await Promise.all([
        import('zod'),
        import('../define/definition-file.ts'),
        import('../process/settings.ts'),
        import('../contract/plan-report.ts'),
      ])
      const schema = { definition: DefinitionFile, config: ConfigFile, plan: PlanReport }[of]
      context.output.data(JSON.stringify(z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }), null, 2))
    })
}

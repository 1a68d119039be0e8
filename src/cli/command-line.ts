/**
 * What a command line is: reads the environment and the arguments; data goes to stdout, everything else to stderr; the
 * exit code says how it ended (exit-code.ts). The only file that ends the process.
 */
import type { FileSettings } from '../process/config-file.ts'
import { connectParent } from '../process/parent.ts'
import type { CommandContext } from './context.ts'
import { exitCodeOf, exitCodes } from './exit-code.ts'
import { failureText } from './failure-text.ts'
import { createOutput } from './output.ts'
import { createProgram } from './program.ts'
import { listenForSignals } from './stop-signals.ts'

/** A role whose parent has ended has this long to stop in good order: nobody is left to end it later. */
const orphanGraceMs = 3_000

/** Does what the arguments of this process say, and ends it. `entry` is the file that its roles are started with. */
export async function runCommandLine(entry: string): Promise<never> {
  const parent = connectParent(process)
  let stop: AbortSignal | undefined

  parent?.gone.addEventListener('abort', () => setTimeout(() => process.exit(exitCodes.interrupted), orphanGraceMs))

  let configFile: FileSettings | undefined
  let env: NodeJS.ProcessEnv = process.env

  const context: CommandContext = {
    get env() {
      return env
    },
    processEnv: process.env,
    get configFile() {
      return configFile
    },
    configure: async (named) => {
      const { readConfigFile, withConfigFile } = await import('../process/config-file.ts')
      configFile = readConfigFile(process.cwd(), named ?? process.env['TIDEMARK_CONFIG'])
      env = withConfigFile(process.env, configFile)
    },
    cwd: process.cwd(),
    entry,
    output: createOutput(process.stdout, process.stderr),
    stopSignal: () => {
      stop ??= listenForSignals(process, parent !== undefined, () => process.exit(exitCodes.interrupted)).stop
      return stop
    },
  }

  // A reader that went away, such as head, has all it wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.bug),
  )

  try {
    await createProgram(context, parent).parseAsync(process.argv)
    process.exit(exitCodes.done)
  } catch (error) {
    const text = failureText(error, env['LOG_LEVEL'] === 'debug')
    process.stderr.write(text)
    const exitCode = exitCodeOf(error)
    const reasons =
      error instanceof Error && 'reasons' in error && Array.isArray(error.reasons) ? error.reasons.map(String) : []
    await parent?.tell({ failed: { exitCode, message: text.trim().replace(/^tidemark: /, ''), reasons } })
    process.exit(exitCode)
  }
}

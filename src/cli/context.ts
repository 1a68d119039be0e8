import type { FileSettings } from '../process/config-file.ts'
import type { Output } from './output.ts'

/** What a command gets from the process it runs in. */
export interface CommandContext {
  /** Of the process, and beneath it what the configuration file says. */
  readonly env: NodeJS.ProcessEnv
  /** Of the process alone. */
  readonly processEnv: NodeJS.ProcessEnv
  /** None: there is no such file, or the command reads none. */
  readonly configFile: FileSettings | undefined
  readonly cwd: string
  /** The file of the command line itself: roles are started from it, in processes of their own. */
  readonly entry: string
  readonly output: Output
  /** Reads the configuration file: the one that is named, else that of the folder. Throws TerminalError. */
  configure(named: string | undefined): Promise<void>
  /** From the first call on, signals stop the command in good order instead of ending the process. */
  stopSignal(): AbortSignal
}

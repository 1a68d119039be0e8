import type { Output } from './output.ts'

/** What a command gets from the process it runs in. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** The file of the command line itself: roles are started from it, in processes of their own. */
  readonly entry: string
  readonly output: Output
  /** From the first call on, signals stop the command in good order instead of ending the process. */
  stopSignal(): AbortSignal
}

import { z } from 'zod'

/** What a role process started by `tidemark up` or `tidemark run` tells its parent, over the channel Node gives them. */
export const ChildMessage = z.union([
  z.object({ ready: z.literal(true) }),
  /** Peak resident memory so far, and rows taken from sources by this process, committed or not. */
  z.object({ rssMb: z.number(), rowsRead: z.number().nullable() }),
  /** Why the process ends, as the exit code and the message the command line would give. */
  z.object({ failed: z.object({ exitCode: z.int(), message: z.string(), reasons: z.array(z.string()) }) }),
])
export type ChildMessage = z.infer<typeof ChildMessage>

export interface UsageReports {
  now(): Promise<void>
  end(): Promise<void>
}

export interface Parent {
  /** Aborted when the parent has ended, however it ended: nobody is there to stop this process later. */
  readonly gone: AbortSignal
  tell(message: ChildMessage): Promise<void>
  /** Reports memory and rows read every `everyMs`, at each call of `now`, and at the end. */
  reportUsage(rowsRead: () => number | null, everyMs: number): UsageReports
}

/** The process that started this one and keeps it, or undefined when it was started by hand. */
export function connectParent(self: NodeJS.Process): Parent | undefined {
  if (self.send === undefined) return undefined
  const gone = new AbortController()
  // It may have ended while this process was still loading.
  if (self.connected) self.once('disconnect', () => gone.abort())
  else setImmediate(() => gone.abort())
  const tell = (message: ChildMessage): Promise<void> =>
    new Promise((resolve) => {
      if (!self.connected || self.send === undefined) resolve()
      // A parent that has just ended is noticed by the disconnect, not here.
      else self.send(message, undefined, undefined, () => resolve())
    })
  return {
    gone: gone.signal,
    tell,
    reportUsage: (rowsRead, everyMs) => {
      const report = (): Promise<void> => tell({ rssMb: self.resourceUsage().maxRSS / 1024, rowsRead: rowsRead() })
      const timer = setInterval(() => void report(), everyMs)
      return {
        now: report,
        end: () => {
          clearInterval(timer)
          return report()
        },
      }
    },
  }
}

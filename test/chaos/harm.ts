import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { type Mark, type MarkName, markNames } from '../../src/process/marks.ts'

const MarkNames = z.enum(Object.keys(markNames) as [MarkName, ...MarkName[]])

/** What a process does to itself when it passes a mark for the n-th time. */
export const Harm = z.object({
  mark: MarkNames,
  nth: z.int().min(1),
  /**
   * `kill` and `freeze`: SIGKILL, SIGSTOP. `hold`: tells its parent and waits until that says go on. `reject`: a
   * rejection that nobody handles.
   */
  act: z.enum(['kill', 'freeze', 'hold', 'reject']),
})
export type Harm = z.infer<typeof Harm>

/** What its parent says to one that holds. */
export const goOn = 'go'

/** What a process tells its parent when it holds. */
export const Passed = z.object({ passed: MarkNames })

/** Marks that stand beside a request on its way: it leaves this process in the same turn of the event loop. */
const sending: ReadonlySet<MarkName> = new Set(['W10'])

/** A mark that does harm once. */
export function harmfulMark(harm: Harm, self: NodeJS.Process): Mark {
  let passings = 0
  return async (name) => {
    if (name !== harm.mark) return
    passings += 1
    if (passings !== harm.nth) return
    if (sending.has(name)) await setImmediate()
    switch (harm.act) {
      case 'kill':
        self.kill(self.pid, 'SIGKILL')
        return
      case 'freeze':
        self.kill(self.pid, 'SIGSTOP')
        return
      case 'reject':
        void Promise.reject(new Error(`nobody handles this at ${name}`))
        return
      case 'hold': {
        const go = new Promise<void>((resolve) => {
          self.on('message', (said) => {
            if (said === goOn) resolve()
          })
        })
        self.send?.({ passed: name } satisfies z.infer<typeof Passed>)
        await go
      }
    }
  }
}

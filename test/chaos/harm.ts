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

/** What its parent says to one that is to hold whenever it has claimed one of these partitions, until it says go on. */
export const HoldClaims = z.object({ holdClaims: z.array(z.string()) })

/** What a process tells its parent when it holds. */
export const Passed = z.object({ passed: MarkNames })

/** Marks that stand beside a request on its way: it leaves this process in the same turn of the event loop. */
const sending: ReadonlySet<MarkName> = new Set(['W10'])

const toldToGoOn = (self: NodeJS.Process): Promise<void> =>
  new Promise((resolve) => {
    self.on('message', (said) => {
      if (said === goOn) resolve()
    })
  })

/** A mark that holds the claims that the parent has named by then. */
export function holdingMark(self: NodeJS.Process): Mark {
  const named = new Set<string>()
  const go = toldToGoOn(self)
  self.on('message', (said) => {
    for (const partitionId of HoldClaims.safeParse(said).data?.holdClaims ?? []) named.add(partitionId)
  })
  return async (name, partitionId) => {
    if (name !== 'W1' || partitionId === undefined || !named.has(partitionId)) return
    self.send?.({ passed: name } satisfies z.infer<typeof Passed>)
    await go
  }
}

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
        const go = toldToGoOn(self)
        self.send?.({ passed: name } satisfies z.infer<typeof Passed>)
        await go
      }
    }
  }
}

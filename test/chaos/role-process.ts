// node role-process.ts LAUNCH: one or more roles in a process of their own, as the command line runs them, but for the
// harm it does to itself and the proxy on its way to Kafka. Configured by the environment, as always.
import { z } from 'zod'
import { composeRole, connectClient } from '../../src/compose.ts'
import { readConfig } from '../../src/process/config.ts'
import { createLog } from '../../src/process/logger.ts'
import { connectParent } from '../../src/process/parent.ts'
import { runRole } from '../../src/process/run-role.ts'
import { Harm, harmfulMark, holdingMark } from './harm.ts'
import { loseEvent } from './lose-event.ts'
import { rerouteKafka } from './reroute.ts'
import { ClockShift, shiftableClock } from './shift-clock.ts'

const Launch = z.object({
  roles: z.array(z.enum(['planner', 'worker', 'ledger', 'supervisor'])),
  /** A request that it sends, as a client would, instead of running roles. */
  request: z
    .object({ requestKey: z.string(), backfill: z.string(), params: z.record(z.string(), z.json()) })
    .nullable(),
  /** Null: what brokers tell of themselves is right. */
  kafkaPort: z.int().nullable(),
  harm: Harm.nullable(),
  /** How far its wall clock is ahead of the machine's. */
  clockMs: z.int(),
  /** The first event of this type that it tells never reaches the topic. */
  losesEvent: z.string().nullable(),
})
export type Launch = z.infer<typeof Launch>

const launch = Launch.parse(JSON.parse(process.argv[2] ?? ''))
const setClock = shiftableClock()
setClock(launch.clockMs)
process.on('message', (said) => {
  const shift = ClockShift.safeParse(said)
  if (shift.success) setClock(shift.data.clockMs)
})
const { kafkaPort, losesEvent } = launch
if (losesEvent !== null) loseEvent(losesEvent)
if (kafkaPort !== null) rerouteKafka(() => kafkaPort)
const config = readConfig(process.env)
const mark = launch.harm === null ? holdingMark(process) : harmfulMark(launch.harm, process)
const parent = connectParent(process)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

const run = async (): Promise<void> => {
  if (launch.request !== null) {
    const client = await connectClient(config, await createLog({ level: config.logLevel }), mark)
    await client.send({ version: 1, type: 'start', ...launch.request })
    return client.close()
  }
  await Promise.all(
    launch.roles.map(async (role) => {
      const log = await createLog({ level: config.logLevel, fields: { role, worker: config.workerId } })
      await runRole(() => composeRole(role, config, log, mark), stop.signal, parent, log)
    }),
  )
}

try {
  await run()
  process.exit(0)
} catch (error) {
  console.error(error)
  process.exit(1)
}

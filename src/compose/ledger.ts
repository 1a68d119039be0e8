import { createDeadLetterLog } from '../kafka/message-logs.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import { createLedgerWriter } from '../ledger/ledger-writer.ts'
import { createPackHistory } from '../ledger/pack-history.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import { feedOf, foundationOf, type RunningRole, running } from './foundation.ts'
import { control } from './pools.ts'

/** Archived runs are in no hurry. */
const packEveryMs = 5_000

export async function composeLedger(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const base = foundationOf(config, `ledger-${process.pid}`, 4, log)
  const pool = base.pool(config.databaseUrl)
  const { schema } = config
  const topic = topicName(config.topicPrefix, 'status')
  const writer = createLedgerWriter({
    feed: feedOf(base),
    topic,
    groupId: groupName(config.topicPrefix, 'ledger'),
    pool,
    schema,
    deadLetters: createDeadLetterLog(base.logs),
    now: () => new Date(),
    mark,
    log,
  })
  const packing = createPackHistory({ pool, schema, topic, everyMs: packEveryMs, log })
  const both = {
    start: async () => {
      await writer.start()
      await packing.start()
    },
    stop: async () => {
      await packing.stop()
      await writer.stop()
    },
  }
  return running(base, both, async () => {
    await migrate(pool, { schema, ...control })
  })
}

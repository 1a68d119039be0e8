import { createDeadLetterLog } from '../kafka/message-logs.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import { createLedgerWriter } from '../ledger/ledger-writer.ts'
import { migrate } from '../postgres/migrate.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import { feedOf, foundationOf, type RunningRole, running } from './foundation.ts'
import { control } from './pools.ts'

export async function composeLedger(config: Config, log: Log, mark: Mark): Promise<RunningRole> {
  const base = foundationOf(config, `ledger-${process.pid}`, 4, log)
  const pool = base.pool(config.databaseUrl)
  const writer = createLedgerWriter({
    feed: feedOf(base),
    topic: topicName(config.topicPrefix, 'status'),
    groupId: groupName(config.topicPrefix, 'ledger'),
    pool,
    schema: config.schema,
    deadLetters: createDeadLetterLog(base.logs),
    now: () => new Date(),
    mark,
    log,
  })
  return running(base, writer, async () => {
    await migrate(pool, { schema: config.schema, ...control })
  })
}

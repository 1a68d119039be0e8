import { ControlMessage } from '../contract/control.ts'
import { messageOf } from '../contract/errors.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { OpenControlFeed } from '../work/control-feed.ts'
import type { Codec } from './codec.ts'
import { followTopic } from './follow-topic.ts'
import { topicName } from './topic-catalog.ts'

/** Reads every topic partition of the control topic under a group of its own, and commits nothing. */
export function openControlFeed(config: Config, codec: Codec, log: Log): OpenControlFeed {
  return async (signal) => {
    const records = await followTopic(config, codec, log, topicName(config.topicPrefix, 'control'), 'beginning', signal)
    return {
      caughtUp: records.caughtUp,
      async *[Symbol.asyncIterator]() {
        for await (const record of records) {
          if (record.value === null) {
            if (record.key !== null) yield { ended: record.key }
            continue
          }
          try {
            yield ControlMessage.parse(await record.json())
          } catch (error) {
            log.error({ runId: record.key, error: messageOf(error) }, 'an intent cannot be read and is not obeyed')
          }
        }
      },
    }
  }
}

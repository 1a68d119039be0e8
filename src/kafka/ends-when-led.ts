import { setTimeout as wait } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'

/** A topic that was just made, or whose broker has just gone, has a leader soon. */
const [leaderlessForMs, againMs] = [5_000, 100]
const electing: ReadonlySet<string> = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'])

/**
 * First and next offsets of a topic, asked for again while a topic partition has no leader that knows it is one, for five
 * seconds at most. Throws what kafkajs does.
 */
export async function endsWhenLed(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  const deadline = performance.now() + leaderlessForMs
  for (;;)
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      const isPassing = error instanceof kafkajs.KafkaJSProtocolError && electing.has(error.type)
      if (!isPassing || performance.now() > deadline) throw error
      await wait(againMs)
    }
}

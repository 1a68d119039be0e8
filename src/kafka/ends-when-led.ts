import kafkajs, { type Admin } from 'kafkajs'
import { pause } from '../work/pause.ts'

/** A topic that was just made, or whose broker has just gone, has a leader soon. */
const [leaderlessForMs, againMs] = [5_000, 100]
const electing: ReadonlySet<string> = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'])

/**
 * First and next offsets of a topic, asked for again while a topic partition has no leader that knows it is one, for five
 * seconds at most or until the signal aborts. Throws what kafkajs does.
 */
export async function endsWhenLed(
  admin: Pick<Admin, 'fetchTopicOffsets'>,
  topic: string,
  signal: AbortSignal = new AbortController().signal,
): ReturnType<Admin['fetchTopicOffsets']> {
  const deadline = performance.now() + leaderlessForMs
  for (;;)
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      const isPassing = error instanceof kafkajs.KafkaJSProtocolError && electing.has(error.type)
      if (!isPassing || signal.aborted || performance.now() > deadline) throw error
      await pause(againMs, signal)
    }
}

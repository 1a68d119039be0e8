import type { Consumer } from 'kafkajs'
import type { TopicConfig } from '../process/config.ts'
import { quietLog } from '../process/log.ts'
import { withAdmin } from './client.ts'

export interface ConsumerWatchOptions {
  /** How long the consumer may give no sign. Default 30 s: longer than any answer of a broker that it waits for. */
  readonly limitMs?: number
  /** Whether brokers answer somebody else: while they do not, silence says nothing. */
  answers(this: void): Promise<boolean>
  /** Called once. */
  stuck(this: void, silentMs: number): void
}

const usualLimitMs = 30_000
const lookEveryMs = 1_000

/**
 * Watches for a consumer whose loops have ended, or wait for ever, without a word: kafkajs 2.2.4 does that now and then
 * when a broker goes away while it asks. Time counts in looks, so that a process that was stopped is not taken for one.
 */
export function watchConsumer(
  consumer: Pick<Consumer, 'on' | 'events'>,
  { limitMs = usualLimitMs, answers, stuck }: ConsumerWatchOptions,
): { stop(): void } {
  const { events } = consumer
  let silentLooks = 0
  let isAsking = false
  let isOver = false
  const offs = [events.GROUP_JOIN, events.HEARTBEAT, events.FETCH, events.END_BATCH_PROCESS, events.CRASH].map(
    (event) =>
      consumer.on(event as typeof events.HEARTBEAT, () => {
        silentLooks = 0
      }),
  )
  const stop = (): void => {
    isOver = true
    clearInterval(timer)
    for (const off of offs) off()
  }
  const isSilent = (): boolean => silentLooks * lookEveryMs > limitMs
  const judge = (doAnswer: boolean): void => {
    isAsking = false
    // It may have been heard of meanwhile.
    if (isOver || !doAnswer || !isSilent()) return
    stop()
    stuck(silentLooks * lookEveryMs)
  }
  const look = (): void => {
    silentLooks += 1
    if (!isSilent() || isAsking) return
    isAsking = true
    void answers().then(judge, () => judge(false))
  }
  const timer = setInterval(look, lookEveryMs)
  return { stop }
}

/** Asked by a client of its own: the connections of the silent one may be what is wrong. */
export const brokersAnswer = (config: TopicConfig, topic: string) => async (): Promise<boolean> => {
  await withAdmin(config, quietLog, (admin) => admin.fetchTopicOffsets(topic))
  return true
}

// Reads nothing; sends alerts to an address by POST. At least once: an answer that was lost means another delivery, and
// the id of the alert and what became of it tell that it is the same. Whoever calls never waits, and no answer is its
// business: what cannot be delivered in time, or finds no room, is logged and left.
import { messageOf } from '../contract/errors.ts'
import type { AlertEvent } from '../contract/status.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import { pause } from '../work/pause.ts'
import { signatureHeader } from './signature.ts'

export interface WebhookDeps {
  readonly url: string
  readonly secret: string
  now(this: void): Date
  random(this: void): number
  readonly limits?: Partial<WebhookLimits>
  readonly log: Log
}

export interface WebhookLimits {
  /** One try. */
  readonly timeoutMs: number
  /** From the alert on; then it is left. */
  readonly giveUpMs: number
  /** Alerts that wait; beyond it the oldest is left. */
  readonly most: number
  /** The longest rest after the first failed try; it doubles up to the other. */
  readonly firstRestMs: number
  readonly longestRestMs: number
}

export interface Webhook extends Service {
  /** Takes alerts in, to be delivered in this order. */
  send(events: readonly AlertEvent[]): void
}

const usual: WebhookLimits = {
  timeoutMs: 10_000,
  giveUpMs: 15 * 60_000,
  most: 1_000,
  firstRestMs: 500,
  longestRestMs: 60_000,
}

interface Waiting {
  readonly event: AlertEvent
  readonly sinceMs: number
}

/** Delivers one alert after the other, so that what is resolved was raised before. */
export function createWebhook({ url, secret, now, random, limits, log }: WebhookDeps): Webhook {
  const { timeoutMs, giveUpMs, most, firstRestMs, longestRestMs } = { ...usual, ...limits }
  const waiting: Waiting[] = []
  const ended = new AbortController()
  let wake = Promise.withResolvers<void>()
  let delivering: Promise<void> | undefined

  const attempt = async (event: AlertEvent): Promise<void> => {
    const body = JSON.stringify(event)
    const timestamp = Math.floor(now().getTime() / 1000)
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': `${event.alertId}/${event.type}`,
        'tidemark-signature': signatureHeader(secret, timestamp, body),
      },
      body,
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ended.signal]),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`it answered ${response.status}`)
  }

  const deliver = async ({ event, sinceMs }: Waiting): Promise<void> => {
    const { alertId, kind, type } = event
    for (let mostRestMs = firstRestMs; ; mostRestMs = Math.min(2 * mostRestMs, longestRestMs)) {
      try {
        await attempt(event)
        log.info({ alertId, kind, type }, 'alert delivered')
        return
      } catch (error) {
        if (ended.signal.aborted) return
        const restMs = Math.round(random() * mostRestMs)
        if (performance.now() + restMs - sinceMs >= giveUpMs) {
          log.error({ alertId, kind, type, error: messageOf(error) }, 'an alert could not be delivered in time: left')
          return
        }
        log.warn({ alertId, kind, type, restMs, error: messageOf(error) }, 'an alert is not delivered yet')
        await pause(restMs, ended.signal)
      }
    }
  }

  const deliverAll = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const next = waiting.shift()
      if (next !== undefined) await deliver(next)
      else {
        wake = Promise.withResolvers<void>()
        await wake.promise
      }
    }
  }

  return {
    start: async () => {
      delivering ??= deliverAll()
    },
    send: (events) => {
      for (const event of events) waiting.push({ event, sinceMs: performance.now() })
      const left = waiting.splice(0, Math.max(0, waiting.length - most))
      if (left.length > 0)
        log.error({ alerts: left.length }, 'too many alerts wait to be delivered: the oldest are left')
      wake.resolve()
    },
    stop: async () => {
      ended.abort()
      wake.resolve()
      await delivering
    },
  }
}

import { createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createWebhook, type WebhookLimits } from '../../src/alert/webhook.ts'
import type { AlertEvent } from '../../src/contract/status.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

const secret = 'a secret that nobody else knows'
const alert = (more: Partial<AlertEvent> = {}): AlertEvent =>
  ({
    ...{ version: 1, type: 'alert.raised', at: '2026-01-01T00:00:00.000Z', alertId: randomUUID(), kind: 'ledgerLag' },
    ...{ severity: 'warning', about: {}, message: 'behind', remedy: 'Start one.', ...more },
  }) as AlertEvent

interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that answers the n-th delivery as it is told to. */
async function receiver(answer: (n: number, response: ServerResponse) => void) {
  const deliveries: Delivery[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      deliveries.push({ headers: request.headers, body })
      answer(deliveries.length, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, deliveries }
}

async function started(url: string, limits: Partial<WebhookLimits> = {}) {
  const webhook = createWebhook({
    ...{ url, secret, now: () => new Date(1_700_000_000_500), random: () => 1, log: silentLog },
    limits: { firstRestMs: 5, longestRestMs: 20, ...limits },
  })
  await webhook.start()
  onTestFinished(() => webhook.stop())
  return webhook
}

const ok = (response: ServerResponse): void => void response.writeHead(204).end()
const idsOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ body }) => (JSON.parse(body) as AlertEvent).alertId)

test('an alert is delivered with its id, and a signature over time and body that anybody with the secret can check', async () => {
  const { url, deliveries } = await receiver((_, response) => ok(response))
  const webhook = await started(url)
  const one = alert()
  webhook.send([one])
  const { headers, body } = await eventually('the delivery', async () => deliveries[0])
  expect(JSON.parse(body)).toEqual(one)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['idempotency-key']).toBe(`${one.alertId}/alert.raised`)
  const expected = createHmac('sha256', secret).update(`1700000000.${body}`).digest('hex')
  expect(headers['tidemark-signature']).toBe(`t=1700000000,v1=${expected}`)
})

test('one that is refused, answered with an error or not at all is delivered again, and in order', async () => {
  const { url, deliveries } = await receiver((n, response) => {
    if (n === 1) response.writeHead(500).end('broken')
    else if (n === 2) response.socket?.destroy()
    // The third is never answered.
    else if (n > 3) ok(response)
  })
  const webhook = await started(url, { timeoutMs: 100 })
  const [first, second] = [alert(), alert()]
  webhook.send([first, second])
  await eventually('all deliveries', async () => (deliveries.length >= 5 ? true : undefined))
  expect(idsOf(deliveries)).toEqual([first, first, first, first, second].map(({ alertId }) => alertId))
})

test('a redirect is not followed: whoever is asked to deliver elsewhere does not', async () => {
  const elsewhere = await receiver((_, response) => ok(response))
  const { url, deliveries } = await receiver((n, response) => {
    if (n === 1) response.writeHead(307, { location: elsewhere.url }).end()
    else ok(response)
  })
  const webhook = await started(url)
  webhook.send([alert()])
  await eventually('the second try', async () => deliveries[1])
  expect(elsewhere.deliveries).toEqual([])
})

test('one that cannot be delivered in time is left, and the next one has its turn', async () => {
  const dead = alert()
  const { url, deliveries } = await receiver((_, response) => {
    if (idsOf(deliveries).at(-1) === dead.alertId) response.writeHead(503).end()
    else ok(response)
  })
  const webhook = await started(url, { giveUpMs: 60 })
  const next = alert()
  webhook.send([dead])
  await eventually('some tries', async () => (deliveries.length >= 2 ? true : undefined))
  webhook.send([next])
  await eventually('the next', async () => (idsOf(deliveries).includes(next.alertId) ? true : undefined))
  const after = deliveries.length
  webhook.send([alert()])
  await eventually('one more', async () => (deliveries.length > after ? true : undefined))
  expect(idsOf(deliveries.slice(after))).not.toContain(dead.alertId)
})

test('while nobody answers, sending neither waits nor fails; of what finds no room the oldest is left', async () => {
  const answers: ServerResponse[] = []
  const { url, deliveries } = await receiver((n, response) => {
    if (n === 1) answers.push(response)
    else ok(response)
  })
  const webhook = await started(url, { most: 3 })
  const many = Array.from({ length: 10 }, () => alert())
  webhook.send(many.slice(0, 1))
  await eventually('the first is on its way', async () => answers[0])
  webhook.send(many.slice(1))
  answers.forEach(ok)
  await eventually('the newest', async () => (idsOf(deliveries).at(-1) === many[9]?.alertId ? true : undefined))
  expect(idsOf(deliveries)).toEqual([many[0], ...many.slice(7)].map((one) => one?.alertId))
})

test('an address where nobody listens disturbs nobody', async () => {
  const { url } = await receiver(() => {})
  const webhook = await started(url.replace(/:\d+/, ':1'), { giveUpMs: 50 })
  webhook.send([alert()])
  await webhook.stop()
})

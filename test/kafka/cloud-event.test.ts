import { Kafka as CloudEvents, type KafkaMessage } from 'cloudevents'
import { expect, test } from 'vitest'
import { eventHeaders } from '../../src/kafka/cloud-event.ts'

const context = {
  identity: 'partition.completed|p|1|2',
  type: 'partition.completed',
  source: 'worker/worker-1',
  subject: 'p',
  time: '2026-11-23T12:00:00.000Z',
  contentType: 'application/json',
  runId: '019aa000-0000-7000-8000-000000000001',
}

test('the headers are a CloudEvent in binary mode, read by the reference implementation', () => {
  const headers = eventHeaders(context)
  const event = CloudEvents.toEvent<string>({
    key: 'p',
    value: '{"a":1}',
    headers,
    body: '{"a":1}',
  } as KafkaMessage<string>)
  if (Array.isArray(event)) throw new Error('expected one event')
  expect(event).toMatchObject({
    specversion: '1.0',
    id: headers.ce_id,
    type: 'dev.tidemark.partition.completed.v1',
    source: '/tidemark/worker/worker-1',
    subject: 'p',
    time: context.time,
  })
})

test('the same fact has the same id, another fact another', () => {
  expect(eventHeaders(context).ce_id).toBe(eventHeaders({ ...context, source: 'worker/worker-2' }).ce_id)
  expect(eventHeaders({ ...context, identity: 'other' }).ce_id).not.toBe(eventHeaders(context).ce_id)
})

test('a run is one trace', () => {
  expect(eventHeaders(context).traceparent).toMatch(/^00-019aa000000070008000000000000001-[0-9a-f]{16}-01$/)
})

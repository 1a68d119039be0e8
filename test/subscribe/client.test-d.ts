// What a program has of an event follows from its type.
import { expectTypeOf, test } from 'vitest'
import { type Answer, type Client, connect, type EventType, type WatchedEvent } from '../../src/entry/client.ts'

declare const client: Client

test('an event has the fields of its type, its id and its bookmark', async () => {
  for await (const event of client.watch()) {
    expectTypeOf(event.bookmark).toEqualTypeOf<string>()
    expectTypeOf(event.eventId).toEqualTypeOf<string>()
    expectTypeOf(event.type).toEqualTypeOf<EventType>()
    // @ts-expect-error not every event is about a run
    void event.runId
    switch (event.type) {
      case 'partition.completed':
        expectTypeOf(event.totals.rowsWritten).toEqualTypeOf<number>()
        // @ts-expect-error only a failed one has a reason
        void event.reason
        break
      case 'partition.failed':
        expectTypeOf(event.reason).toEqualTypeOf<string>()
        break
      case 'run.planned':
        expectTypeOf(event.estimatedRows).toEqualTypeOf<number | null>()
        break
      case 'alert.raised':
        expectTypeOf(event.remedy).toEqualTypeOf<string>()
        break
      default:
        break
    }
    // @ts-expect-error no such event
    if (event.type === 'run.complete') break
  }
})

test('types that are asked for are the types that come', async () => {
  for await (const event of client.watch({ types: ['partition.completed', 'run.completed'] })) {
    expectTypeOf(event.type).toEqualTypeOf<'partition.completed' | 'run.completed'>()
    expectTypeOf(event.totals.rowsWritten).toEqualTypeOf<number>()
    if (event.type === 'run.completed') expectTypeOf(event.partitionsFailed).toEqualTypeOf<number>()
    else expectTypeOf(event.partitionId).toEqualTypeOf<string>()
  }
  // @ts-expect-error no such event
  client.watch({ types: ['partition.complete'] })
  expectTypeOf<WatchedEvent<'worker.lost'>['message']>().toEqualTypeOf<string>()
})

test('an answer is one of four', async () => {
  const answer = await client.submit({ version: 1, type: 'start', requestKey: 'k', backfill: 'orders-v2' })
  expectTypeOf(answer).toEqualTypeOf<Answer>()
  if (answer.type === 'request.rejected') expectTypeOf(answer.reasons).toEqualTypeOf<string[]>()
  else if (answer.type !== 'request.reported') expectTypeOf(answer.runId).toEqualTypeOf<string>()
})

test('a watch of a run tells where it stands', () => {
  const watch = client.watchRun('019aa000-0000-7000-8000-000000000001', { from: 'beginning' })
  expectTypeOf(watch.progress().partitionsCompleted).toEqualTypeOf<number>()
  expectTypeOf(connect({ brokers: ['kafka:9092'] })).resolves.toEqualTypeOf<Client>()
  // @ts-expect-error a list
  void connect({ brokers: 'kafka:9092' })
  // @ts-expect-error no such type of request
  void client.send({ version: 1, type: 'stop', requestKey: 'k' })
})

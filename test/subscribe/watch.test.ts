// Risk: a subscriber that was stopped, and goes on from its bookmark, misses an event or is told one twice.
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { type Client, createClient } from '../../src/subscribe/client.ts'
import type { StatusTopic } from '../../src/subscribe/status-topic.ts'
import type { WatchedEvent } from '../../src/subscribe/watched-event.ts'
import { handTopic } from '../support/hand-topic.ts'
import { accepted, ended, ofPartition, planned, runId } from '../support/run-history.ts'

const clientOf = (topic: StatusTopic): Client =>
  createClient({ topic, send: () => Promise.reject(new Error('nothing is sent')), close: () => Promise.resolve() })

/** Every event of a watch, up to so many. */
async function some(events: AsyncIterable<WatchedEvent>, most = Number.POSITIVE_INFINITY): Promise<WatchedEvent[]> {
  const heard: WatchedEvent[] = []
  if (most > 0)
    for await (const event of events) {
      heard.push(event)
      if (heard.length >= most) break
    }
  return heard
}
const named = ({ type, eventId }: { type: string; eventId: string }): string => `${type} ${eventId}`

/** A run of three partitions over three topic partitions, its own events somewhere among them, and other runs. */
const histories = fc
  .record({
    homes: fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
    ofRun: fc.nat(2),
    /** Whether the end is told before the last of the partitions. */
    endAt: fc.nat(4),
    turns: fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }),
    turnsAgain: fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }),
  })
  .map(({ homes, ofRun, endAt, turns, turnsAgain }) => {
    const logs: unknown[][] = [[], [], []]
    for (const [index, home] of homes.entries()) logs[home]?.push(...ofPartition(index))
    const own = logs[ofRun] ?? []
    own.unshift(planned(3))
    own.splice(Math.max(1, own.length - endAt), 0, ended(3))
    logs[1]?.push({ ...accepted, runId: '0190a7e2-0000-7000-8000-000000000009' }, 'no JSON')
    return { logs, turns, turnsAgain }
  })

describe('a run that is watched', () => {
  test.prop([histories])('is told whole, its end last, and the watch ends', async ({ logs, turns }) => {
    const topic = handTopic(logs, { turns })
    const watch = clientOf(topic).watchRun(runId)
    const heard = await some(watch)
    expect(heard).toHaveLength(11)
    expect(new Set(heard.map(named)).size).toBe(11)
    expect(heard.at(-1)?.type).toBe('run.completed')
    expect(watch.progress()).toMatchObject({ state: 'completed', partitionsCompleted: 3, toldCompletely: true })
    expect(topic.open).toBe(0)
  })

  test.prop([histories, fc.nat(11)])(
    'goes on from any bookmark, in whatever order records come: nothing is lost, nothing is told twice',
    async ({ logs, turns, turnsAgain }, cut) => {
      const client = clientOf(handTopic(logs, { turns }))
      const before = await some(client.watchRun(runId), cut)
      const from = before.at(-1)?.bookmark ?? 'beginning'
      const again = clientOf(handTopic(logs, { turns: turnsAgain })).watchRun(runId, { from })
      const after = await some(again)
      const all = [...before, ...after].map(named)
      expect(new Set(all).size).toBe(11)
      expect(all).toHaveLength(11)
      expect([...before, ...after].at(-1)?.type).toBe('run.completed')
      // What was told before the bookmark counts, too.
      expect(again.progress()).toMatchObject({ state: 'completed', partitionsCompleted: 3, totals: { rowsRead: 30 } })
    },
  )

  test.prop([histories, fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(5), { minLength: 1 })))])(
    'goes on again and again, from bookmarks of watches that went on themselves',
    async ({ logs, turns: lastTurns }, lives) => {
      const heard: WatchedEvent[] = []
      const live = async (most: number, turns: readonly number[]): Promise<void> => {
        const from = heard.at(-1)?.bookmark ?? 'beginning'
        heard.push(...(await some(clientOf(handTopic(logs, { turns })).watchRun(runId, { from }), most)))
      }
      for (const [most, turns] of lives) await live(most, turns)
      await live(Number.POSITIVE_INFINITY, lastTurns)
      expect(heard.map(named).toSorted()).toEqual([...new Set(heard.map(named))].toSorted())
      expect(heard).toHaveLength(11)
      expect(heard.at(-1)?.type).toBe('run.completed')
    },
  )

  test.prop([histories, fc.nat(11)])('its bookmarks are as good for a watch of everything', async (history, cut) => {
    const before = await some(clientOf(handTopic(history.logs, history)).watchRun(runId), cut)
    const options = { runId, from: before.at(-1)?.bookmark ?? 'beginning' }
    const client = clientOf(handTopic(history.logs, { turns: history.turnsAgain }))
    const after = await some(client.watch(options), 11 - before.length)
    expect(new Set([...before, ...after].map(named)).size).toBe(11)
  })

  test('an end whose partitions were lost is told after a while', async () => {
    const [claimed, progressed] = ofPartition(0)
    const watch = clientOf(
      handTopic([
        [planned(1), ended(1)],
        [claimed, progressed],
      ]),
    ).watchRun(runId)
    expect((await some(watch)).map(({ type }) => type)).toEqual([
      ...['run.planned', 'partition.claimed', 'partition.progressed', 'run.completed'],
    ])
    expect(watch.progress()).toMatchObject({ state: 'completed', toldCompletely: false })
  })

  test('ends, without its end, when the signal aborts', async () => {
    const stop = new AbortController()
    const heard: string[] = []
    for await (const { type } of clientOf(handTopic([[planned(1)]])).watchRun(runId, { signal: stop.signal })) {
      heard.push(type)
      stop.abort()
    }
    expect(heard).toEqual(['run.planned'])
  })
})

describe('everything that is watched', () => {
  test('malformed and newer events are left out, and counted', async () => {
    const client = clientOf(
      handTopic([
        [planned(1), { ...planned(1), version: 2 }, { ...planned(1), type: 'run.dreamt' }, 'no JSON', {}, null],
        [{ ...planned(1), backfill: 'No Backfill' }, accepted],
      ]),
    )
    expect((await some(client.watch({ from: 'beginning' }), 2)).map(({ type }) => type)).toEqual([
      ...['run.planned', 'request.accepted'],
    ])
    expect(client.skipped).toEqual({ malformed: 4, newer: 2 })
  })

  test('by run, backfill and type; an alert is about a run, too', async () => {
    const alert: StatusEvent = {
      ...{ version: 1, type: 'alert.resolved', at: '2026-01-01T00:00:00Z', kind: 'runStalled', severity: 'warning' },
      ...{
        alertId: '019aa000-0000-7000-8000-0000000000bb',
        about: { runId, backfill: 'flights' },
        message: 'it moves',
      },
    }
    const logs = [[accepted, { ...planned(1), backfill: 'orders' }, planned(1), ...ofPartition(0), alert, ended(1)]]
    const types = async (options: Parameters<Client['watch']>[0], most: number): Promise<string[]> =>
      (await some(clientOf(handTopic(logs)).watch({ from: 'beginning', ...options }), most)).map(({ type }) => type)
    expect(await types({ types: ['run.completed', 'alert.resolved'] }, 2)).toEqual(['alert.resolved', 'run.completed'])
    expect(await types({ backfill: 'flights', types: ['run.planned', 'alert.resolved'] }, 2)).toHaveLength(2)
    expect(await types({ runId }, 8)).toHaveLength(8)
  })

  test('from now on: what stood there before is not told', async () => {
    const topic = handTopic([[planned(1)], []])
    const watch = clientOf(topic).watch()
    await watch.listen()
    topic.tell(1, ...ofPartition(0))
    expect((await some(watch, 1)).map(({ type }) => type)).toEqual(['partition.claimed'])
  })

  test('a fact that is told twice is handed over once, when that is wanted', async () => {
    const logs = [[planned(1), planned(1), ...ofPartition(0), planned(1), ended(1)]]
    const all = await some(clientOf(handTopic(logs)).watch({ from: 'beginning' }), 7)
    expect(all.filter(({ type }) => type === 'run.planned')).toHaveLength(3)
    const once = await some(clientOf(handTopic(logs)).watch({ from: 'beginning', dropDuplicates: true }), 5)
    expect(once.map(({ type }) => type)).toEqual([
      ...['run.planned', 'partition.claimed', 'partition.progressed', 'partition.completed', 'run.completed'],
    ])
  })

  test('records that are removed while it reads are an error, not a gap', async () => {
    const topic = handTopic([[planned(1), ...ofPartition(0), ...ofPartition(1)]])
    const reading = async (): Promise<void> => {
      for await (const { type } of clientOf(topic).watch({ from: 'beginning' }))
        if (type === 'run.planned') topic.removeBefore(0, 4)
    }
    await expect(reading()).rejects.toThrow(/offsets 1 to before 4 of topic partition 0/)
  })

  test('closing the client ends what it watches', async () => {
    const topic = handTopic([[planned(1)]])
    const client = clientOf(topic)
    for await (const event of client.watch({ from: 'beginning' })) {
      expect(event.type).toBe('run.planned')
      await client.close()
    }
    expect(topic.open).toBe(0)
  })
})

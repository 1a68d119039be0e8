import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TerminalError } from '../../src/contract/errors.ts'
import type { Backfill } from '../../src/define/define-backfill.ts'
import { describeBackfill } from '../../src/define/describe.ts'
import { files } from '../../src/define/files.ts'
import { kafka } from '../../src/define/kafka.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'

const Row = z.object({ id: z.bigint() })

interface Given {
  readonly schedule?: unknown
  readonly follow?: boolean
  readonly partitionBy?: ReturnType<typeof partition.byKey<'id', 'from'>> | ReturnType<typeof partition.auto>
}

const define = ({ schedule, follow, partitionBy = partition.byKey('id', { size: 10 }) }: Given): Backfill =>
  defineBackfill({
    id: 'orders-v2',
    params: z.object({
      from: z.iso.date().optional(),
      to: z.iso.date().optional(),
      region: z.enum(['eu', 'us']).default('eu'),
    }),
    source: postgres.table('orders', { schema: Row, key: 'id' }),
    partitionBy,
    sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
    ...(follow === undefined ? {} : { follow }),
    // As it may come from a file, or from a program without types.
    ...(schedule === undefined ? {} : { schedule: schedule as { every: string } }),
  })

function reasonsOf(given: Given): readonly string[] {
  try {
    define(given)
    return []
  } catch (error) {
    return (error as TerminalError).reasons
  }
}

describe('a schedule', () => {
  test('has its defaults', () => {
    expect(define({ schedule: { every: '0 3 * * *' } }).schedule).toEqual({
      ...{ every: '0 3 * * *', timezone: 'UTC', params: {}, catchUp: 1 },
    })
  })

  test('is no part of what a run does: its hash stays', () => {
    const description = describeBackfill({ backfill: define({}) })
    expect(describeBackfill({ backfill: define({ schedule: { every: '@daily' } }) })).toEqual(description)
    expect(describeBackfill({ backfill: define({ follow: true }) })).toEqual(description)
  })

  test.each([
    [{ every: 'daily' }, /schedule\.every: "daily" is no cron expression of five fields, such as "0 3 \* \* \*"/],
    [{ every: '0 0 3 * * *' }, /schedule\.every: .*no cron expression of five fields/],
    [{ every: '61 * * * *' }, /schedule\.every: .*minute/],
    [{ every: '0 0 30 2 *' }, /schedule\.every: "0 0 30 2 \*" never comes/],
    [{ every: '@daily', timezone: 'Mars/Olympus' }, /schedule\.timezone: "Mars\/Olympus" is not known/],
    [{ every: '@daily', catchUp: 0 }, /schedule\.catchUp: .*, got 0/],
    [{ every: '@daily', catchup: 1 }, /schedule: unknown field "catchup"/],
    [{ every: '@daily', params: { region: 'asia' } }, /schedule\.params\.region: .*, got "asia"/],
    [{ every: '@daily', params: { regions: 'eu' } }, /schedule\.params: unknown field "regions"/],
    [{ every: '@daily', bounds: { from: 'from', to: 'til', as: 'date' } }, /schedule\.params: unknown field "til"/],
    [{ every: '@daily', bounds: { from: 'from', to: 'to' } }, /schedule\.params\.from: Invalid ISO date/],
    [
      { every: '@daily', params: { to: '2026-01-01' }, bounds: { from: 'from', to: 'to', as: 'date' } },
      /schedule\.params\.to: schedule\.bounds fills it with a time/,
    ],
  ])('%j is refused when it is loaded', (schedule, reason) => {
    expect(reasonsOf({ schedule }).join('\n')).toMatch(reason)
  })

  test('and follow exclude each other', () => {
    expect(reasonsOf({ schedule: { every: '@daily' }, follow: true })).toEqual([
      'schedule and follow: a run is asked for by the clock, or by the end of the one before; leave out one of them',
    ])
  })
})

describe('follow', () => {
  test('is refused where nothing lies above a run, with the reason', () => {
    const byParams = partition.byKey('id', { size: 10, bounds: { from: 'from', to: 'from' } })
    expect(reasonsOf({ follow: true, partitionBy: byParams })[0]).toMatch(
      /follow: params "from" and "from" bound the run/,
    )
    expect(reasonsOf({ follow: true, partitionBy: partition.auto() })[0]).toMatch(/follow: partitionBy "auto"/)
    expect(() =>
      defineBackfill({
        id: 'files',
        source: files.parquet('a.parquet', { schema: Row }),
        partitionBy: partition.byRowGroup(),
        sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
        follow: true,
      }),
    ).toThrow(/follow: files have no rows above a bound/)
    expect(() =>
      defineBackfill({
        id: 'topic',
        source: kafka.topic('orders', { schema: Row }),
        partitionBy: partition.byOffsets(5),
        sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
        follow: true,
      }),
    ).toThrow(/follow: a topic is not followed yet/)
  })

  test('is possible where the source gives the bounds, also when the sink chose the column', () => {
    expect(define({ follow: true }).follow).toBe(true)
    expect(define({}).follow).toBe(false)
    const owned = defineBackfill({
      id: 'owned',
      source: postgres.table('orders', { schema: Row, key: 'id' }),
      partitionBy: partition.auto(),
      sink: postgres.insert('orders_v2', { schema: Row, range: 'id' }),
      follow: true,
    })
    expect(owned.partitionBy).toMatchObject({ kind: 'quantiles', columns: ['id'] })
  })
})

// Risk: a worker that is frozen while it sends rows keeps its partition locked for ever: the server's time limits do
// not count while it reads COPY data.
import { randomUUID } from 'node:crypto'
import { from } from 'pg-copy-streams'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openPostgresInsert } from '../../src/sink/postgres-insert.ts'
import { createTestSchema, type TestSchema } from '../conformance/sink-postgres.ts'
import { eventually } from '../support/eventually.ts'

let own: TestSchema
beforeAll(async () => {
  own = await createTestSchema(5)
  await own.pool.query(`create table ${own.schema}.target (id int8 primary key)`)
})
afterAll(() => own.drop())

test('a claim ends the session of a holder frozen in the middle of a COPY, when the lease is over', async () => {
  const definition = { kind: 'postgres.insert', schema: z.object({ id: z.int() }), range: 'id', database: '' } as const
  const sink = openPostgresInsert({ ...definition, table: `${own.schema}.target` }, { ...own, leaseMs: 300 })
  const holding = {
    runId: randomUUID(),
    partitionId: randomUUID(),
    backfill: 'orders',
    index: 0,
    range: { kind: 'integer', from: '0', to: '10' } as const,
    worker: 'worker-1',
    topicPartition: 0,
  }
  await sink.claim(holding)
  const frozen = await own.pool.connect()
  const ended: string[] = []
  frozen.on('error', () => {})
  await frozen.query('begin')
  await frozen.query(`update ${own.schema}.checkpoint set cursor = '5' where partition_id = $1`, [holding.partitionId])
  const copy = frozen.query(from(`copy ${own.schema}.target from stdin`))
  copy.on('error', (error) => ended.push(error.message))
  copy.write('5\n')
  await eventually('the server reads COPY data', async () => {
    const { rowCount } = await own.pool.query(
      `select from pg_stat_activity where application_name = '${own.schema}' and query like 'copy%' and wait_event = 'ClientRead'`,
    )
    return rowCount === 1 ? true : undefined
  })
  const claim = await sink.claim({ ...holding, worker: 'worker-2' })
  expect(claim).toMatchObject({ kind: 'claimed', checkpoint: { epoch: 2, sequence: 0, cursor: null } })
  await eventually('the frozen session hears of it', async () => ended[0])
  expect(ended[0]).toBe('terminating connection due to administrator command')
  frozen.release(true)
  expect((await own.pool.query(`select * from ${own.schema}.target`)).rows).toEqual([])
})

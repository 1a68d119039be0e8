import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import pg from 'pg'
import { testConfig } from './test-config.ts'
import { startTidemark, type TidemarkProcess } from './tidemark-process.ts'

export interface SmallBackfill {
  /** A folder of its own: definitions and data, and what a start leaves in `.tidemark`. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly topicPrefix: string
  readonly kafkaBrokers: readonly string[]
  readonly rows: number
  tidemark(...args: string[]): TidemarkProcess
  /** Ends what `holdAtRow` began. */
  letGo(): void
  /** What stands in the sink, against what the Parquet file says, by a query that shares nothing with the engine. */
  sink(): Promise<SinkFacts>
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
  close(): Promise<void>
}

export interface SinkFacts {
  readonly rows: number
  readonly distinct: number
  readonly wrong: number
}

export interface SmallBackfillOptions {
  readonly rows: number
  readonly rowGroupRows: number
  readonly chunkRows: number
  /** Holds each thousandth row up for this long, so that a run can be hurt while it works. */
  readonly pauseMs?: number
  /** Each partition stands at this row of each thousand until `letGo`. */
  readonly holdAtRow?: number
}

/**
 * A backfill "small" from a Parquet file written here, with topics, tables and a folder that no other test uses, on
 * the shared servers. Row n has amount n * 3 and name "row n".
 */
export async function createSmallBackfill(options: SmallBackfillOptions): Promise<SmallBackfill> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-small-'))
  const config = testConfig({ TIDEMARK_DEFINITIONS: folder })
  const table = `${config.schema}_sink.small`
  const positions = Array.from({ length: options.rows }, (_, row) => row)
  const file = parquetWriteBuffer({
    columnData: [
      { name: 'amount', data: positions.map((row) => BigInt(row * 3)), type: 'INT64' },
      { name: 'name', data: positions.map((row) => `row ${row}`), type: 'STRING' },
    ],
    rowGroupSize: options.rowGroupRows,
  })
  writeFileSync(join(folder, 'small.parquet'), Buffer.from(file))
  writeFileSync(join(folder, 'small.ts'), definition(table, folder, options))
  writeFileSync(join(folder, 'small.prepare.sql'), prepareSql(table))
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    KAFKA_BROKERS: config.kafka.brokers.join(','),
    DATABASE_URL: config.databaseUrl,
    TIDEMARK_TOPIC_PREFIX: config.topicPrefix,
    TIDEMARK_SCHEMA: config.schema,
    TIDEMARK_SESSION_TIMEOUT_MS: '6000',
  }
  const started: TidemarkProcess[] = []
  const pool = new pg.Pool({ connectionString: config.databaseUrl, max: 2 })
  const query: SmallBackfill['query'] = async (sql, values) => (await pool.query(sql, values)).rows
  return {
    folder,
    env,
    topicPrefix: config.topicPrefix,
    kafkaBrokers: config.kafka.brokers,
    rows: options.rows,
    tidemark: (...args) => {
      const process = startTidemark(args, folder, env)
      started.push(process)
      return process
    },
    letGo: () => writeFileSync(join(folder, letGoFile), ''),
    query,
    async sink() {
      const [facts] = await query<{ rows: string; distinct: string; wrong: string }>(
        `select count(*) as rows, count(distinct position) as distinct,
                count(*) filter (where amount <> position * 3 or name <> 'row ' || position
                                    or position not between 0 and ${options.rows - 1}) as wrong
           from ${table}`,
      )
      return { rows: Number(facts?.rows), distinct: Number(facts?.distinct), wrong: Number(facts?.wrong) }
    },
    async close() {
      for (const { child } of started) child.kill('SIGKILL')
      await Promise.all(started.map(({ ended }) => ended))
      await pool.query(
        `drop schema if exists ${config.schema}_sink cascade; drop schema if exists ${config.schema} cascade`,
      )
      await pool.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const letGoFile = 'let-go'

const definition = (table: string, folder: string, options: SmallBackfillOptions): string => `
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { files } from 'tidemark/files'
import { postgres } from 'tidemark/postgres'

const Small = z.object({ amount: z.bigint(), name: z.string() })
const SmallRow = z.object({ position: z.int(), amount: z.bigint(), name: z.string() })

export default defineBackfill({
  id: 'small',
  params: z.object({ note: z.string().optional() }),
  source: files.parquet('small.parquet', { schema: Small, position: 'position' }),
  partitionBy: partition.byRowGroup(),
  ${transform(folder, options)}
  sink: postgres.insert('${table}', { schema: SmallRow, range: 'position' }),
  limits: { chunkRows: ${options.chunkRows} },
})
`

const prepareSql = (table: string): string => `
create schema if not exists ${table.split('.')[0]};
drop table if exists ${table};
create table ${table} (position bigint primary key, amount bigint not null, name text not null);
`

function transform(folder: string, { pauseMs, holdAtRow }: SmallBackfillOptions): string {
  const waits: string[] = []
  if (pauseMs !== undefined) waits.push(`if (row.position % 1000 === 0) await sleep(${pauseMs})`)
  if (holdAtRow !== undefined) {
    const file = JSON.stringify(join(folder, letGoFile))
    waits.push(`if (row.position % 1000 === ${holdAtRow}) while (!existsSync(${file})) await sleep(20)`)
  }
  return waits.length === 0 ? '' : `transform: async (row) => { ${waits.join('; ')}; return row },`
}

import pg from 'pg'
import { connect, type WatchedEvent } from 'tidemark/client'

/**
 * Keeps tables of its own about every run of one backfill, fed by what happens and nothing else.
 *
 *   KAFKA_BROKERS=localhost:9092 DATABASE_URL=postgres://… node run-progress.ts orders-v2
 *
 * An event and the bookmark that comes with it are written in one transaction, so that every event counts exactly once,
 * whenever this program is killed. Ctrl-C stops it; started again, it goes on where it was.
 */

const tables = `
create table if not exists run_progress (
  run_id uuid primary key, backfill text not null, state text not null default 'running',
  partitions bigint, partitions_ended bigint not null default 0, rows_written bigint not null default 0,
  events bigint not null default 0
);
create table if not exists partition_progress (
  partition_id uuid primary key, run_id uuid not null, epoch int not null, sequence int not null, rank int not null,
  rows_written bigint not null
);
create table if not exists place (backfill text primary key, bookmark text not null);
`

/** Of events with equal epoch and sequence, the later in the life of a partition. */
const ranks = {
  'partition.claimed': 0,
  'partition.progressed': 1,
  'partition.completed': 2,
  'partition.failed': 2,
  'partition.cancelled': 2,
} as const

/** What an event says, in the tables. */
async function take(sql: pg.Client, event: WatchedEvent): Promise<void> {
  if (!('runId' in event) || !('backfill' in event)) return
  await sql.query(
    `insert into run_progress (run_id, backfill, events) values ($1, $2, 1)
     on conflict (run_id) do update set events = run_progress.events + 1`,
    [event.runId, event.backfill],
  )
  switch (event.type) {
    case 'run.planned':
      await sql.query('update run_progress set partitions = $2 where run_id = $1', [event.runId, event.partitions])
      break
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      await sql.query('update run_progress set state = $2 where run_id = $1', [event.runId, event.state])
      break
    case 'partition.claimed':
    case 'partition.progressed':
    case 'partition.completed':
    case 'partition.failed':
    case 'partition.cancelled':
      // Totals are absolute: what is new is the difference, and only of an event that is later than what is known.
      await sql.query(
        `with known as (select rows_written, rank from partition_progress where partition_id = $1),
              taken as (
                insert into partition_progress as p (partition_id, run_id, epoch, sequence, rank, rows_written)
                values ($1, $2, $3, $4, $5, $6)
                on conflict (partition_id) do update
                   set epoch = excluded.epoch, sequence = excluded.sequence, rank = excluded.rank,
                       rows_written = excluded.rows_written
                 where (p.epoch, p.sequence, p.rank) < (excluded.epoch, excluded.sequence, excluded.rank)
                returning rows_written, rank)
         update run_progress r
            set rows_written = r.rows_written + taken.rows_written - coalesce(known.rows_written, 0),
                partitions_ended = r.partitions_ended + (taken.rank = 2)::int - (coalesce(known.rank, 0) = 2)::int
           from taken left join known on true
          where r.run_id = $2`,
        [event.partitionId, event.runId, event.epoch, event.sequence, ranks[event.type], event.totals.rowsWritten],
      )
      break
    default:
      break
  }
}

/** Throws when another copy of this program has moved the place meanwhile. */
async function move(sql: pg.Client, backfill: string, from: string | undefined, to: string): Promise<void> {
  const { rowCount } = await sql.query(
    `insert into place (backfill, bookmark) values ($1, $3)
     on conflict (backfill) do update set bookmark = excluded.bookmark where place.bookmark = $2`,
    [backfill, from ?? '', to],
  )
  if (rowCount !== 1) throw new Error(`somebody else follows the runs of ${backfill} into these tables`)
}

const [backfill] = process.argv.slice(2)
if (backfill === undefined) throw new Error('usage: node run-progress.ts <backfill>')

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
const sql = new pg.Client({ connectionString: process.env['DATABASE_URL'] })
await sql.connect()
await sql.query(tables)
const { rows } = await sql.query<{ bookmark: string }>('select bookmark from place where backfill = $1', [backfill])
let bookmark = rows[0]?.bookmark

const client = await connect()
try {
  for await (const event of client.watch({ backfill, from: bookmark ?? 'beginning', signal: stop.signal })) {
    await sql.query('begin')
    await take(sql, event)
    await move(sql, backfill, bookmark, event.bookmark)
    await sql.query('commit')
    bookmark = event.bookmark
  }
} finally {
  // What was not committed is taken back with the connection.
  await Promise.all([client.close(), sql.end()])
}

-- The record: counts and sums that are kept as events come in, so that every question is answered by an index; who held
-- a partition, alerts, workers, and facts of which more than one thing was told. All of it follows from the events, in
-- whatever order and however often they come.

alter table :schema.ledger_partition
  -- Of the record that told the newest fact.
  add column record_offset    bigint not null default 0,
  -- Tries that counted, of a partition that failed.
  add column attempts         bigint,
  -- Sums over its chunks, in whole microseconds.
  add column read_micros      bigint not null default 0,
  add column transform_micros bigint not null default 0,
  add column write_micros     bigint not null default 0,
  -- One a claim, in the order of their epochs: who told its first fact is its holder, and what lies between the least and
  -- the greatest totals that were told of it (from, to) is its work.
  add column holds            json   not null default '[]',
  -- A partition's row changes with every chunk: room for that beside it.
  set (fillfactor = 80);

-- By state in the order of the plan, and those that have been running for longest.
drop index :schema.ledger_partition_run;
create index ledger_partition_state on :schema.ledger_partition (run_id, state, index);
create index ledger_partition_running on :schema.ledger_partition (run_id, first_event_at) where state = 'running';

alter table :schema.ledger_run
  add column planned_offset bigint,
  add column ended_offset   bigint;
update :schema.ledger_run
   set planned_offset = case when planned_at is not null then 0 end, ended_offset = case when state is not null then 0 end;

alter table :schema.ledger_request add column record_offset bigint not null default 0;

-- Counts and sums of a run over its partitions, in slices: one a topic partition of the status topic, so that no writer
-- waits for another. The run's are the sums of its slices.
create table :schema.ledger_run_slice (
  run_id           uuid    not null,
  topic_partition  bigint  not null,
  running          bigint  not null,
  completed        bigint  not null,
  failed           bigint  not null,
  cancelled        bigint  not null,
  rows_read        bigint  not null,
  rows_written     bigint  not null,
  rows_filtered    bigint  not null,
  rows_rejected    bigint  not null,
  chunks           bigint  not null,
  content_hash     numeric not null,
  read_micros      bigint  not null,
  transform_micros bigint  not null,
  write_micros     bigint  not null,
  claims           bigint  not null,
  -- Tasks that were published again.
  republished      bigint  not null,
  first_event_at   timestamptz,
  last_event_at    timestamptz,
  primary key (run_id, topic_partition)
) with (fillfactor = 50);

-- What each worker did of a run, in the same slices.
create table :schema.ledger_share (
  run_id          uuid   not null,
  worker          text   not null collate "C",
  topic_partition bigint not null,
  -- Partitions it held at some time.
  partitions      bigint not null,
  claims          bigint not null,
  rows_read       bigint not null,
  rows_written    bigint not null,
  chunks          bigint not null,
  -- Of what it told.
  first_event_at  timestamptz,
  last_event_at   timestamptz,
  primary key (run_id, worker, topic_partition)
) with (fillfactor = 50);

-- What was heard of a run, in steps of ten seconds of the events' own time. Its sums are exact; what was recorded
-- together is counted for one step, so the steps are not the same when the ledger is rebuilt.
create table :schema.ledger_heard (
  run_id          uuid        not null,
  since           timestamptz not null,
  topic_partition bigint      not null,
  rows_read       bigint      not null,
  rows_written    bigint      not null,
  chunks          bigint      not null,
  -- Partitions that ended.
  ended           bigint      not null,
  primary key (run_id, since, topic_partition)
) with (fillfactor = 50);

-- Facts of which more than one thing was told: each version, by the copy of it that was told first.
create table :schema.ledger_contradiction (
  event_id        uuid        not null,
  fact_hash       text        not null,
  event           jsonb       not null,
  at              timestamptz not null,
  topic_partition bigint      not null,
  record_offset   bigint      not null,
  recorded_at     timestamptz not null default now(),
  primary key (event_id, fact_hash)
);

create index ledger_contradiction_newest on :schema.ledger_contradiction (recorded_at);

-- An alert is open when it was raised and is not resolved; of both the copy that was told first.
create table :schema.ledger_alert (
  alert_id        uuid primary key,
  raised          jsonb,
  raised_at       timestamptz,
  raised_offset   bigint,
  resolved        jsonb,
  resolved_at     timestamptz,
  resolved_offset bigint,
  kind            text generated always as (coalesce(raised, resolved) ->> 'kind') stored,
  severity        text generated always as (coalesce(raised, resolved) ->> 'severity') stored,
  run_id          uuid generated always as ((coalesce(raised, resolved) -> 'about' ->> 'runId')::uuid) stored,
  partition_id    uuid generated always as ((coalesce(raised, resolved) -> 'about' ->> 'partitionId')::uuid) stored
);

create index ledger_alert_open on :schema.ledger_alert (raised_at) where raised is not null and resolved is null;
create index ledger_alert_run on :schema.ledger_alert (run_id, raised_at) where run_id is not null;

-- A row a process of a worker: the newest it said of itself, and whether it was given up.
create table :schema.ledger_worker (
  worker         text        not null collate "C",
  instance       uuid        not null,
  sequence       bigint,
  -- 0 started, 1 alive, 2 stopped.
  rank           bigint,
  told_at        timestamptz,
  record_offset  bigint,
  slots          bigint,
  running        bigint,
  lanes          jsonb,
  resident_mb    float8,
  cpu_share      float8,
  loop_delay_ms  float8,
  lost_sequence  bigint,
  lost_at        timestamptz,
  lost_offset    bigint,
  lost_message   text,
  first_heard_at timestamptz not null,
  last_heard_at  timestamptz,
  primary key (worker, instance)
) with (fillfactor = 50);

create index ledger_worker_newest on :schema.ledger_worker (worker, first_heard_at desc);

-- What a partition's events are of, its own index knows: this one is for what else happened to a run, and to nothing.
drop index :schema.ledger_event_run;
create index ledger_event_run on :schema.ledger_event (run_id, at) where partition_id is null;

-- A fact is found by what it is of: facts of a partition stand together, where ids alone would scatter each batch over
-- the whole index. An alert is found by its id, whatever it says that it is about.
update :schema.ledger_event set partition_id = null where type in ('alert.raised', 'alert.resolved');
drop index :schema.ledger_event_partition;
alter table :schema.ledger_event drop constraint ledger_event_pkey;
create unique index ledger_event_of_partition on :schema.ledger_event (partition_id, event_id) where partition_id is not null;
create unique index ledger_event_of_none on :schema.ledger_event (event_id) where partition_id is null;

-- Written once and seldom read: taking it apart at once cost the server more than storing it.
alter table :schema.ledger_event alter column event type json using event::text::json;

-- For lists of runs and what is live of a backfill.
create index run_listed on :schema.run (accepted_at desc, id desc) where archived_at is null;
create index run_live on :schema.run (backfill, accepted_at) where state in ('queued', 'planning', 'running', 'paused');

-- What is there already, as it would be had it come in today. Of a fact that was told twice the history has the copy
-- that came first, and so has this.

update :schema.ledger_partition p
   set attempts = (e.event ->> 'attempts')::bigint
  from :schema.ledger_event e
 where p.state = 'failed' and e.partition_id = p.partition_id and e.type = 'partition.failed'
   and (e.event ->> 'epoch')::bigint = p.epoch and (e.event ->> 'sequence')::bigint = p.sequence;

update :schema.ledger_partition p
   set read_micros = t.read_micros, transform_micros = t.transform_micros, write_micros = t.write_micros
  from (select partition_id,
               sum(floor(least(greatest((event #>> '{timings,readMs}')::float8, 0), 1e9) * 1000 + 0.5)::bigint) as read_micros,
               sum(floor(least(greatest((event #>> '{timings,transformMs}')::float8, 0), 1e9) * 1000 + 0.5)::bigint) as transform_micros,
               sum(floor(least(greatest((event #>> '{timings,writeMs}')::float8, 0), 1e9) * 1000 + 0.5)::bigint) as write_micros
          from :schema.ledger_event where type = 'partition.progressed' group by partition_id) t
 where p.partition_id = t.partition_id;

create temporary table told on commit drop as
select partition_id, run_id, topic_partition, type, at, record_offset,
       (event ->> 'worker') collate "C" as worker, (event ->> 'epoch')::bigint as epoch, (event ->> 'sequence')::bigint as sequence,
       case type when 'partition.claimed' then 0 when 'partition.progressed' then 1 else 2 end as rank,
       (event #>> '{totals,rowsRead}')::bigint as rows_read, (event #>> '{totals,rowsWritten}')::bigint as rows_written,
       (event #>> '{totals,chunks}')::bigint as chunks
  from :schema.ledger_event
 where type in ('partition.claimed', 'partition.progressed', 'partition.completed', 'partition.failed',
                'partition.cancelled', 'partition.republished');

create temporary table place on commit drop as
select partition_id, min(topic_partition) as topic_partition from told group by partition_id;

create temporary table hold on commit drop as
select partition_id, epoch, f.run_id, f.worker, f.sequence, f.rank, f.at,
       s.from_rows_read, s.from_rows_written, s.from_chunks, s.rows_read, s.rows_written, s.chunks
  from (select distinct on (partition_id, epoch) * from told
         where type not in ('partition.cancelled', 'partition.republished')
         order by partition_id, epoch, sequence, rank, at, worker, run_id::text collate "C") f
  join (select partition_id, epoch, min(rows_read) as from_rows_read, min(rows_written) as from_rows_written,
               min(chunks) as from_chunks, max(rows_read) as rows_read, max(rows_written) as rows_written,
               max(chunks) as chunks
          from told where type not in ('partition.cancelled', 'partition.republished')
         group by partition_id, epoch) s using (partition_id, epoch);

update :schema.ledger_partition p set holds = h.holds::json
  from (select partition_id, jsonb_agg(jsonb_build_object('epoch', epoch, 'runId', run_id, 'worker', worker,
                 'sequence', sequence, 'rank', rank, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                 'from', jsonb_build_object('rowsRead', from_rows_read, 'rowsWritten', from_rows_written, 'chunks', from_chunks),
                 'to', jsonb_build_object('rowsRead', rows_read, 'rowsWritten', rows_written, 'chunks', chunks))
               order by epoch) as holds
          from hold group by partition_id) h
 where p.partition_id = h.partition_id;

insert into :schema.ledger_run_slice
select run_id, topic_partition, coalesce(running, 0), coalesce(completed, 0), coalesce(failed, 0), coalesce(cancelled, 0),
       coalesce(rows_read, 0), coalesce(rows_written, 0), coalesce(rows_filtered, 0), coalesce(rows_rejected, 0),
       coalesce(chunks, 0), coalesce(content_hash, 0), coalesce(read_micros, 0), coalesce(transform_micros, 0),
       coalesce(write_micros, 0), coalesce(claims, 0), coalesce(republished, 0), first_event_at, last_event_at
  from (select run_id, slice as topic_partition, count(*) filter (where state = 'running') as running,
               count(*) filter (where state = 'completed') as completed, count(*) filter (where state = 'failed') as failed,
               count(*) filter (where state = 'cancelled') as cancelled, sum(rows_read) as rows_read,
               sum(rows_written) as rows_written, sum(rows_filtered) as rows_filtered, sum(rows_rejected) as rows_rejected,
               sum(chunks) as chunks, sum(content_hash) as content_hash, sum(read_micros) as read_micros,
               sum(transform_micros) as transform_micros, sum(write_micros) as write_micros, sum(epoch) as claims,
               min(first_event_at) as first_event_at, max(last_event_at) as last_event_at
          from (select p.*, coalesce(place.topic_partition, 0) as slice
                  from :schema.ledger_partition p left join place using (partition_id)) sliced
         group by run_id, slice) counted
  full join (select run_id, topic_partition, count(*) as republished from told where type = 'partition.republished'
              group by run_id, topic_partition) r using (run_id, topic_partition);

insert into :schema.ledger_share
select run_id, worker, topic_partition, coalesce(partitions, 0), coalesce(claims, 0), coalesce(rows_read, 0),
       coalesce(rows_written, 0), coalesce(chunks, 0), first_event_at, last_event_at
  from (select run_id, worker, topic_partition, min(at) as first_event_at, max(at) as last_event_at from told
         where type not in ('partition.cancelled', 'partition.republished')
         group by run_id, worker, topic_partition) t
  full join (select run_id, worker, topic_partition, count(distinct partition_id) as partitions, count(*) as claims,
                    sum(rows_read - from_rows_read) as rows_read, sum(rows_written - from_rows_written) as rows_written,
                    sum(chunks - from_chunks) as chunks
               from hold join place using (partition_id)
              group by run_id, worker, topic_partition) h using (run_id, worker, topic_partition);

insert into :schema.ledger_heard
select run_id, date_bin('10 seconds', state_at, timestamptz '2000-01-01 00:00:00Z'), coalesce(place.topic_partition, 0),
       sum(rows_read), sum(rows_written), sum(chunks), count(*) filter (where state <> 'running')
  from :schema.ledger_partition left join place using (partition_id)
 group by 1, 2, 3;

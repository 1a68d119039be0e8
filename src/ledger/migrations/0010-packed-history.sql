-- Facts of partitions of archived runs stand together, all those of a partition in one row, which the server compresses.
-- A batch that has to do with such a partition puts them back first.
create table :schema.ledger_packed (
  partition_id uuid primary key,
  facts        json not null
);
alter table :schema.ledger_partition add column packed boolean not null default false;

-- Runs that were archived. Facts that were put back want to be packed again.
create table :schema.ledger_archive (
  run_id uuid primary key,
  wanted bigint not null default 1,
  done   bigint not null default 0
);
create index ledger_archive_open on :schema.ledger_archive (run_id) where done < wanted;
insert into :schema.ledger_archive (run_id) select run_id from :schema.ledger_event where type = 'run.archived';

-- Every fact, wherever it stands.
create view :schema.ledger_history as
select event_id, type, at, run_id, partition_id, event, topic_partition, record_offset from :schema.ledger_event
union all
select f.event_id, f.type, f.at, f.run_id, p.partition_id, f.event, f.topic_partition, f.record_offset
  from :schema.ledger_packed p
 cross join lateral json_to_recordset(p.facts) as
       f (event_id uuid, type text, at timestamptz, run_id uuid, event json, topic_partition bigint, record_offset bigint);

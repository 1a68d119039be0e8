-- A run that does again what failed in another one: its plan is those partitions, as they were cut then.

alter table :schema.run
  add column retry_of   uuid references :schema.run (id),
  -- Only these; null: all that failed.
  add column retry_only uuid[],
  add constraint retry_only_of_a_run check (retry_only is null or retry_of is not null);

create index run_retries on :schema.run (retry_of) where retry_of is not null;

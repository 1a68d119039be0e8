-- Tasks are published in a window, in an order that follows from their number: how far, is one number a run.

alter table :schema.run
  -- Tasks that were published, in the order of publish-order.ts; whoever publishes moves it.
  add column published bigint not null default 0,
  -- Whose tasks come first, and how many more than those of other runs of the same priority.
  add column priority  bigint not null default 0,
  add column weight    bigint not null default 1 check (weight > 0);

update :schema.run set published = partitions where planned_at is not null;

alter table :schema.run add constraint published_in_plan check (published between 0 and plan_cursor);
alter table :schema.partition drop column announced;

create index run_open on :schema.run (id) where state in ('planning', 'running');

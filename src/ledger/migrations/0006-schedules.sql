-- Runs that follow each other, and runs that a clock asks for.

alter table :schema.run
  -- When it has completed, the rows above its bounds are the next run's.
  add column follow   boolean not null default false,
  -- Such a run is there: set with it, so that what is to be followed is found among many that were.
  add column followed boolean not null default false,
  -- The run whose bounds it begins above: of two that want to follow one run, one does.
  add column follows  uuid unique references :schema.run (id) on delete set null;

create index run_to_follow on :schema.run (accepted_at) where follow and not followed and state = 'completed';
create index run_chains on :schema.run (backfill, accepted_at) where follow;

-- A row a definition with a schedule.
create table :schema.schedule (
  backfill text        primary key,
  -- As it was when last looked at: a changed one begins anew.
  every    text        not null,
  timezone text        not null,
  -- Due times up to this one are decided.
  handled  timestamptz not null,
  -- What was decided and is perhaps not told yet: requests to be made, and due times that were left out.
  decided  jsonb
);

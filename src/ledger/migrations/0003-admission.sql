-- Runs beyond the limit, and those whose target another run has, wait in a queue.

-- Whoever decides which runs are live holds this row.
create table :schema.admission (
  id boolean primary key default true check (id)
);
insert into :schema.admission default values;

alter table :schema.run
  drop constraint run_state_check,
  add constraint run_state_check
    check (state in ('queued', 'planning', 'running', 'paused', 'cancelling', 'completed', 'failed', 'cancelled')),
  -- A run that still waits then fails.
  add column expires_at timestamptz;

create index run_queue on :schema.run (priority desc, accepted_at, id) where state = 'queued';

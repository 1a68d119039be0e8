-- Limits of a run that a person changes while it is live, and runs that were put away.

alter table :schema.run
  -- Null: what the definition says.
  add column chunk_rows                bigint check (chunk_rows > 0),
  add column max_concurrent_partitions bigint check (max_concurrent_partitions > 0),
  add column rows_per_second           bigint check (rows_per_second > 0),
  -- When any of them, the priority or the weight was last changed; null: never.
  add column tuned_at                  timestamptz,
  -- Lists leave it out from then on; by the request that holds this key.
  add column archived_at               timestamptz,
  add column archived_for              text,
  add column archived_by               text,
  add column archive_reason            text,
  add constraint archived_if_ended check (archived_at is null or ended_at is not null),
  add constraint archived_for_a_request check ((archived_at is null) = (archived_for is null));

-- Every change of what is wanted is in one history, in the order of the control sequence.
alter table :schema.run_intent
  drop constraint run_intent_type_check,
  add constraint run_intent_type_check check (type in ('pause', 'resume', 'cancel', 'tune')),
  -- Of a tune: by name, what was before and what is now.
  add column changes jsonb,
  add constraint changes_of_a_tune check ((changes is not null) = (type = 'tune'));

-- A run that is cancelled before it was planned has no task anywhere: it takes no target, and it can be cancelled in the
-- queue while another run has its target.
drop index :schema.run_live_target;
create unique index run_live_target on :schema.run (target_id)
  where state in ('planning', 'running', 'paused') or (state = 'cancelling' and planned_at is not null);

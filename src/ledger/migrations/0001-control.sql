-- Control database: what was asked for and planned (written by the planner and, when a run ends, by the supervisor),
-- and the ledger: what happened (written by the ledger writer alone, and rebuilt from the status topic if it is lost).

create table :schema.run (
  id              uuid        primary key,
  request_key     text        not null unique,
  backfill        text        not null,
  definition_hash text        not null,
  definition      jsonb       not null,
  params          jsonb       not null,
  requested_by    text,
  -- What the rows go to, for people; and as the server itself names it: at most one live run each.
  target          text        not null,
  target_id       text        not null,
  state           text        not null default 'planning'
                  check (state in ('planning', 'running', 'paused', 'cancelling', 'completed', 'failed', 'cancelled')),
  -- What is wanted of it, and the sequence of the control message that says so; the whole history is in run_intent.
  intent          text        not null default 'running' check (intent in ('running', 'paused', 'cancelled')),
  control_sequence bigint     not null default 0,
  intended_at     timestamptz,
  intended_by     text,
  intent_reason   text,
  -- The closed, finite domain, as it was when the run was accepted.
  bounds          jsonb       not null,
  range           jsonb       not null,
  estimated_rows  bigint,
  plan_hash       text        not null,
  partitions      bigint      not null check (partitions > 0),
  -- Partitions written so far; whoever writes a page moves it, which fences a second planner.
  plan_cursor     bigint      not null default 0,
  accepted_at     timestamptz not null default now(),
  planned_at      timestamptz,
  ended_at        timestamptz,
  -- Its end stands on the status topic; until then the supervisor tells it.
  end_told        boolean     not null default false,
  constraint plan_cursor_in_plan check (plan_cursor between 0 and partitions),
  constraint planned_before_running check (state not in ('running', 'paused', 'completed') or planned_at is not null),
  constraint ended_if_terminal check ((ended_at is not null) = (state in ('completed', 'failed', 'cancelled')))
);

create unique index run_live_target on :schema.run (target_id) where state in ('planning', 'running', 'paused', 'cancelling');
create index run_end_untold on :schema.run (id) where not end_told;
create index run_newest on :schema.run (accepted_at desc);

-- A request key is bound to its body, and to its run, by being accepted; a rejected one may be mended and sent again.
create table :schema.request (
  request_key     text        primary key,
  body_hash       text        not null,
  body            jsonb       not null,
  run_id          uuid        not null references :schema.run (id) on delete cascade,
  -- The record it came in: the same record again is a redelivery, another one is a duplicate.
  topic_partition bigint      not null,
  record_offset   bigint      not null,
  accepted_at     timestamptz not null default now()
);

create table :schema.partition (
  run_id         uuid    not null references :schema.run (id) on delete cascade,
  index          bigint  not null,
  partition_id   uuid    not null unique,
  kind           text    not null check (kind in ('integer', 'time')),
  "from"         text    not null,
  "to"           text    not null,
  locator        jsonb,
  estimated_rows bigint,
  -- Its task is in the task topic.
  announced      boolean not null default false,
  -- What is wanted of it besides what is wanted of its run; null: nothing.
  intent         text check (intent in ('paused', 'cancelled')),
  primary key (run_id, index)
);

create index partition_unannounced on :schema.partition (run_id, index) where not announced;
create index partition_intended on :schema.partition (run_id, index) where intent is not null;

-- Who wanted what, when and why: one row an accepted pause, resume or cancel, in the order of the control sequence.
create table :schema.run_intent (
  run_id       uuid        not null references :schema.run (id) on delete cascade,
  sequence     bigint      not null,
  request_key  text        not null unique references :schema.request (request_key) on delete cascade,
  type         text        not null check (type in ('pause', 'resume', 'cancel')),
  -- Null: the whole run.
  partition_id uuid,
  from_intent  text        not null,
  to_intent    text        not null,
  from_state   text        not null,
  to_state     text        not null,
  requested_by text,
  reason       text,
  at           timestamptz not null,
  primary key (run_id, sequence)
);

-- The history: every fact once.
create table :schema.ledger_event (
  event_id        uuid        primary key,
  type            text        not null,
  at              timestamptz not null,
  run_id          uuid,
  partition_id    uuid,
  event           jsonb       not null,
  topic_partition bigint      not null,
  record_offset   bigint      not null,
  recorded_at     timestamptz not null default now()
);

create index ledger_event_run on :schema.ledger_event (run_id, at);
create index ledger_event_partition on :schema.ledger_event (partition_id, at) where partition_id is not null;

-- The newest state of each partition by (epoch, sequence, rank), then by who told it first.
create table :schema.ledger_partition (
  partition_id    uuid        primary key,
  run_id          uuid        not null,
  backfill        text        not null,
  index           bigint      not null,
  epoch           bigint      not null,
  sequence        bigint      not null,
  rank            bigint      not null,
  state           text        not null collate "C" check (state in ('running', 'completed', 'failed', 'cancelled')),
  state_at        timestamptz not null,
  cursor          text,
  rows_read       bigint      not null,
  rows_written    bigint      not null,
  rows_filtered   bigint      not null,
  rows_rejected   bigint      not null,
  chunks          bigint      not null,
  content_hash    numeric     not null,
  worker          text        not null collate "C",
  topic_partition bigint      not null,
  reason          text,
  message         text,
  first_event_at  timestamptz not null,
  last_event_at   timestamptz not null
);

create index ledger_partition_run on :schema.ledger_partition (run_id, state);

create table :schema.ledger_run (
  run_id            uuid primary key,
  backfill          text not null,
  request_key       text,
  definition_hash   text,
  plan_hash         text,
  partitions        bigint,
  range             jsonb,
  estimated_rows    bigint,
  planned_at        timestamptz,
  state             text collate "C" check (state in ('completed', 'failed', 'cancelled')),
  ended_at          timestamptz,
  partitions_failed bigint,
  partitions_cancelled bigint,
  totals            jsonb
);

-- Answers to requests; one key may be answered several times.
create table :schema.ledger_request (
  event_id     uuid        primary key,
  request_key  text,
  request_hash text        not null,
  type         text        not null,
  run_id       uuid,
  reasons      jsonb,
  answered_at  timestamptz not null
);

create index ledger_request_key on :schema.ledger_request (request_key, answered_at);

-- The newest intent of each run that each worker obeys.
create table :schema.ledger_acknowledgement (
  run_id   uuid        not null,
  worker   text        not null collate "C",
  sequence bigint      not null,
  intent   text        not null collate "C",
  at_start boolean     not null,
  at       timestamptz not null,
  primary key (run_id, worker)
);

-- Where to go on reading the status topic: moved in the transaction that records what was read.
create table :schema.ledger_offset (
  topic           text   not null,
  topic_partition bigint not null,
  next_offset     bigint not null check (next_offset >= 0),
  primary key (topic, topic_partition)
);

-- Durable progress, changed in the same transaction as the rows it speaks of: the truth that everything else copies.
create table :schema.checkpoint (
  partition_id uuid primary key,
  run_id uuid not null,
  backfill text not null,
  index int not null check (index >= 0),
  kind text not null check (kind in ('integer', 'time')),
  "from" text not null,
  "to" text not null,
  -- Which hold on the partition this is: the fencing token. 0: cancelled before anybody claimed it.
  epoch bigint not null check (epoch >= 1 or state = 'cancelled'),
  -- Chunks committed since the partition began, over all epochs.
  sequence bigint not null default 0 check (sequence >= 0),
  -- Position of the last row handled; null before the first.
  cursor text,
  state text not null check (state in ('pending', 'running', 'completed', 'failed', 'cancelled')),
  rows_read bigint not null default 0 check (rows_read >= 0),
  rows_written bigint not null default 0 check (rows_written >= 0),
  rows_filtered bigint not null default 0 check (rows_filtered >= 0),
  rows_rejected bigint not null default 0 check (rows_rejected >= 0),
  content_hash numeric not null default 0 check (content_hash = trunc(content_hash)),
  holder text not null,
  -- Topic partition of the holder's task: its redelivery may take over before the lease ends.
  held_for int not null,
  lease_until timestamptz not null,
  -- Why it failed: a code, and the sentence for a person.
  reason text,
  message text,
  -- Tries that counted when it failed, and up to three rows it had in hand then, as JSON texts without what is redacted.
  attempts int check (attempts >= 0),
  sample text[],
  -- Smaller chunks did not help: to be cut into two partitions.
  split_wanted boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((state = 'failed') = (reason is not null))
);

create index checkpoint_run on :schema.checkpoint (run_id);

-- What each chunk did. `sequence` counts from 1; the cursors of a partition's chunks form a chain without gaps.
create table :schema.chunk (
  partition_id uuid not null references :schema.checkpoint on delete cascade,
  epoch bigint not null,
  sequence bigint not null check (sequence >= 1),
  after_cursor text,
  through_cursor text,
  last boolean not null,
  rows_read bigint not null,
  rows_written bigint not null,
  rows_filtered bigint not null,
  rows_rejected bigint not null,
  content_hash numeric not null,
  committed_at timestamptz not null default clock_timestamp(),
  primary key (partition_id, sequence)
);

-- Rows that could not be written, for a person.
create table :schema.rejected_row (
  partition_id uuid not null references :schema.checkpoint on delete cascade,
  sequence bigint not null,
  ordinal int not null,
  position text not null,
  reason text not null,
  row text not null,
  primary key (partition_id, sequence, ordinal)
);

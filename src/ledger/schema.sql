table :schema.admission
  id boolean not null default true
  constraint admission_id_check CHECK (id)
  constraint admission_pkey PRIMARY KEY (id)

table :schema.ledger_acknowledgement
  at timestamp with time zone not null
  at_start boolean not null
  intent text collate "C" not null
  run_id uuid not null
  sequence bigint not null
  worker text collate "C" not null
  constraint ledger_acknowledgement_pkey PRIMARY KEY (run_id, worker)

table :schema.ledger_alert
  alert_id uuid not null
  kind text generated as (COALESCE(raised, resolved) ->> 'kind'::text)
  partition_id uuid generated as (((COALESCE(raised, resolved) -> 'about'::text) ->> 'partitionId'::text))::uuid
  raised jsonb
  raised_at timestamp with time zone
  raised_offset bigint
  resolved jsonb
  resolved_at timestamp with time zone
  resolved_offset bigint
  run_id uuid generated as (((COALESCE(raised, resolved) -> 'about'::text) ->> 'runId'::text))::uuid
  severity text generated as (COALESCE(raised, resolved) ->> 'severity'::text)
  constraint ledger_alert_pkey PRIMARY KEY (alert_id)
  CREATE INDEX ledger_alert_open ON :schema.ledger_alert USING btree (raised_at) WHERE ((raised IS NOT NULL) AND (resolved IS NULL))
  CREATE INDEX ledger_alert_run ON :schema.ledger_alert USING btree (run_id, raised_at) WHERE (run_id IS NOT NULL)

table :schema.ledger_archive
  done bigint not null default 0
  run_id uuid not null
  wanted bigint not null default 1
  constraint ledger_archive_pkey PRIMARY KEY (run_id)
  CREATE INDEX ledger_archive_open ON :schema.ledger_archive USING btree (run_id) WHERE (done < wanted)

table :schema.ledger_contradiction
  at timestamp with time zone not null
  event jsonb not null
  event_id uuid not null
  fact_hash text not null
  record_offset bigint not null
  recorded_at timestamp with time zone not null default now()
  topic_partition bigint not null
  constraint ledger_contradiction_pkey PRIMARY KEY (event_id, fact_hash)
  CREATE INDEX ledger_contradiction_newest ON :schema.ledger_contradiction USING btree (recorded_at)

table :schema.ledger_event
  at timestamp with time zone not null
  event json not null
  event_id uuid not null
  partition_id uuid
  record_offset bigint not null
  recorded_at timestamp with time zone not null default now()
  run_id uuid
  topic_partition bigint not null
  type text not null
  CREATE INDEX ledger_event_run ON :schema.ledger_event USING btree (run_id, at) WHERE (partition_id IS NULL)
  CREATE UNIQUE INDEX ledger_event_of_none ON :schema.ledger_event USING btree (event_id) WHERE (partition_id IS NULL)
  CREATE UNIQUE INDEX ledger_event_of_partition ON :schema.ledger_event USING btree (partition_id, event_id) WHERE (partition_id IS NOT NULL)

table :schema.ledger_heard with (fillfactor=50)
  chunks bigint not null
  ended bigint not null
  rows_read bigint not null
  rows_written bigint not null
  run_id uuid not null
  since timestamp with time zone not null
  topic_partition bigint not null
  constraint ledger_heard_pkey PRIMARY KEY (run_id, since, topic_partition)

view :schema.ledger_history
  at timestamp with time zone
  event json
  event_id uuid
  partition_id uuid
  record_offset bigint
  run_id uuid
  topic_partition bigint
  type text
 SELECT ledger_event.event_id, ledger_event.type, ledger_event.at,
    ledger_event.run_id, ledger_event.partition_id, ledger_event.event,
    ledger_event.topic_partition, ledger_event.record_offset
   FROM :schema.ledger_event
UNION ALL
 SELECT f.event_id, f.type, f.at, f.run_id, p.partition_id, f.event,
    f.topic_partition, f.record_offset
   FROM :schema.ledger_packed p
     CROSS JOIN LATERAL json_to_recordset(p.facts) f(event_id uuid, type text, at timestamp with time zone, run_id uuid, event json, topic_partition bigint, record_offset bigint);

table :schema.ledger_offset
  next_offset bigint not null
  topic text not null
  topic_partition bigint not null
  constraint ledger_offset_next_offset_check CHECK ((next_offset >= 0))
  constraint ledger_offset_pkey PRIMARY KEY (topic, topic_partition)

table :schema.ledger_packed
  facts json not null
  partition_id uuid not null
  constraint ledger_packed_pkey PRIMARY KEY (partition_id)

table :schema.ledger_partition with (fillfactor=80)
  attempts bigint
  backfill text not null
  chunks bigint not null
  content_hash numeric not null
  cursor text
  epoch bigint not null
  first_event_at timestamp with time zone not null
  holds json not null default '[]'::json
  index bigint not null
  last_event_at timestamp with time zone not null
  message text
  packed boolean not null default false
  partition_id uuid not null
  rank bigint not null
  read_micros bigint not null default 0
  reason text
  record_offset bigint not null default 0
  rows_filtered bigint not null
  rows_read bigint not null
  rows_rejected bigint not null
  rows_written bigint not null
  run_id uuid not null
  sequence bigint not null
  state text collate "C" not null
  state_at timestamp with time zone not null
  topic_partition bigint not null
  transform_micros bigint not null default 0
  worker text collate "C" not null
  write_micros bigint not null default 0
  constraint ledger_partition_pkey PRIMARY KEY (partition_id)
  constraint ledger_partition_state_check CHECK ((state = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
  CREATE INDEX ledger_partition_running ON :schema.ledger_partition USING btree (run_id, first_event_at) WHERE (state = 'running'::text)
  CREATE INDEX ledger_partition_state ON :schema.ledger_partition USING btree (run_id, state, index)

table :schema.ledger_request
  answered_at timestamp with time zone not null
  event_id uuid not null
  reasons jsonb
  record_offset bigint not null default 0
  request_hash text not null
  request_key text
  run_id uuid
  type text not null
  constraint ledger_request_pkey PRIMARY KEY (event_id)
  CREATE INDEX ledger_request_key ON :schema.ledger_request USING btree (request_key, answered_at)

table :schema.ledger_run
  backfill text not null
  definition_hash text
  ended_at timestamp with time zone
  ended_offset bigint
  estimated_rows bigint
  partitions bigint
  partitions_cancelled bigint
  partitions_failed bigint
  plan_hash text
  planned_at timestamp with time zone
  planned_offset bigint
  range jsonb
  request_key text
  run_id uuid not null
  state text collate "C"
  totals jsonb
  constraint ledger_run_pkey PRIMARY KEY (run_id)
  constraint ledger_run_state_check CHECK ((state = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text])))

table :schema.ledger_run_slice with (fillfactor=50)
  cancelled bigint not null
  chunks bigint not null
  claims bigint not null
  completed bigint not null
  content_hash numeric not null
  failed bigint not null
  first_event_at timestamp with time zone
  last_event_at timestamp with time zone
  read_micros bigint not null
  republished bigint not null
  rows_filtered bigint not null
  rows_read bigint not null
  rows_rejected bigint not null
  rows_written bigint not null
  run_id uuid not null
  running bigint not null
  topic_partition bigint not null
  transform_micros bigint not null
  write_micros bigint not null
  constraint ledger_run_slice_pkey PRIMARY KEY (run_id, topic_partition)

table :schema.ledger_share with (fillfactor=50)
  chunks bigint not null
  claims bigint not null
  first_event_at timestamp with time zone
  last_event_at timestamp with time zone
  partitions bigint not null
  rows_read bigint not null
  rows_written bigint not null
  run_id uuid not null
  topic_partition bigint not null
  worker text collate "C" not null
  constraint ledger_share_pkey PRIMARY KEY (run_id, worker, topic_partition)

table :schema.ledger_worker with (fillfactor=50)
  cpu_share double precision
  first_heard_at timestamp with time zone not null
  instance uuid not null
  lanes jsonb
  last_heard_at timestamp with time zone
  loop_delay_ms double precision
  lost_at timestamp with time zone
  lost_message text
  lost_offset bigint
  lost_sequence bigint
  rank bigint
  record_offset bigint
  resident_mb double precision
  running bigint
  sequence bigint
  slots bigint
  told_at timestamp with time zone
  worker text collate "C" not null
  constraint ledger_worker_pkey PRIMARY KEY (worker, instance)
  CREATE INDEX ledger_worker_newest ON :schema.ledger_worker USING btree (worker, first_heard_at DESC)

table :schema.migration
  applied_at timestamp with time zone not null default now()
  component text not null
  name text not null
  version integer not null
  constraint migration_pkey PRIMARY KEY (component, version)

table :schema.partition
  estimated_rows bigint
  "from" text not null
  index bigint not null
  intent text
  kind text not null
  locator jsonb
  partition_id uuid not null
  run_id uuid not null
  "to" text not null
  constraint partition_intent_check CHECK ((intent = ANY (ARRAY['paused'::text, 'cancelled'::text])))
  constraint partition_kind_check CHECK ((kind = ANY (ARRAY['integer'::text, 'time'::text, 'uuid'::text, 'key'::text])))
  constraint partition_partition_id_key UNIQUE (partition_id)
  constraint partition_pkey PRIMARY KEY (run_id, index)
  constraint partition_run_id_fkey FOREIGN KEY (run_id) REFERENCES :schema.run(id) ON DELETE CASCADE
  CREATE INDEX partition_intended ON :schema.partition USING btree (run_id, index) WHERE (intent IS NOT NULL)

table :schema.request
  accepted_at timestamp with time zone not null default now()
  body jsonb not null
  body_hash text not null
  record_offset bigint not null
  request_key text not null
  run_id uuid not null
  topic_partition bigint not null
  constraint request_pkey PRIMARY KEY (request_key)
  constraint request_run_id_fkey FOREIGN KEY (run_id) REFERENCES :schema.run(id) ON DELETE CASCADE

table :schema.run
  accepted_at timestamp with time zone not null default now()
  archive_reason text
  archived_at timestamp with time zone
  archived_by text
  archived_for text
  backfill text not null
  bounds jsonb not null
  chunk_rows bigint
  control_sequence bigint not null default 0
  definition jsonb not null
  definition_hash text not null
  end_told boolean not null default false
  ended_at timestamp with time zone
  estimated_rows bigint
  expires_at timestamp with time zone
  follow boolean not null default false
  followed boolean not null default false
  follows uuid
  id uuid not null
  intended_at timestamp with time zone
  intended_by text
  intent text not null default 'running'::text
  intent_reason text
  max_concurrent_partitions bigint
  params jsonb not null
  partitions bigint not null
  plan_cursor bigint not null default 0
  plan_hash text not null
  planned_at timestamp with time zone
  priority bigint not null default 0
  published bigint not null default 0
  range jsonb not null
  request_key text not null
  requested_by text
  retry_of uuid
  retry_only uuid[]
  retry_what text
  rows_per_second bigint
  state text not null default 'planning'::text
  target text not null
  target_id text not null
  tuned_at timestamp with time zone
  weight bigint not null default 1
  constraint archived_for_a_request CHECK (((archived_at IS NULL) = (archived_for IS NULL)))
  constraint archived_if_ended CHECK (((archived_at IS NULL) OR (ended_at IS NOT NULL)))
  constraint ended_if_terminal CHECK (((ended_at IS NOT NULL) = (state = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text]))))
  constraint plan_cursor_in_plan CHECK (((plan_cursor >= 0) AND (plan_cursor <= partitions)))
  constraint planned_before_running CHECK (((state <> ALL (ARRAY['running'::text, 'paused'::text, 'completed'::text])) OR (planned_at IS NOT NULL)))
  constraint published_in_plan CHECK (((published >= 0) AND (published <= plan_cursor)))
  constraint retry_of_something CHECK (((retry_of IS NULL) = (retry_what IS NULL)))
  constraint retry_only_of_a_run CHECK (((retry_only IS NULL) OR (retry_of IS NOT NULL)))
  constraint retry_only_of_named CHECK (((retry_only IS NOT NULL) = (NOT (retry_what IS DISTINCT FROM 'named'::text))))
  constraint run_chunk_rows_check CHECK ((chunk_rows > 0))
  constraint run_follows_fkey FOREIGN KEY (follows) REFERENCES :schema.run(id) ON DELETE SET NULL
  constraint run_follows_key UNIQUE (follows)
  constraint run_intent_check CHECK ((intent = ANY (ARRAY['running'::text, 'paused'::text, 'cancelled'::text])))
  constraint run_max_concurrent_partitions_check CHECK ((max_concurrent_partitions > 0))
  constraint run_partitions_check CHECK ((partitions > 0))
  constraint run_pkey PRIMARY KEY (id)
  constraint run_request_key_key UNIQUE (request_key)
  constraint run_retry_of_fkey FOREIGN KEY (retry_of) REFERENCES :schema.run(id)
  constraint run_retry_what_check CHECK ((retry_what = ANY (ARRAY['failed'::text, 'named'::text, 'rejected'::text, 'cut'::text])))
  constraint run_rows_per_second_check CHECK ((rows_per_second > 0))
  constraint run_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'planning'::text, 'running'::text, 'paused'::text, 'cancelling'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
  constraint run_weight_check CHECK ((weight > 0))
  CREATE INDEX run_chains ON :schema.run USING btree (backfill, accepted_at) WHERE follow
  CREATE INDEX run_end_untold ON :schema.run USING btree (id) WHERE (NOT end_told)
  CREATE INDEX run_listed ON :schema.run USING btree (accepted_at DESC, id DESC) WHERE (archived_at IS NULL)
  CREATE INDEX run_live ON :schema.run USING btree (backfill, accepted_at) WHERE (state = ANY (ARRAY['queued'::text, 'planning'::text, 'running'::text, 'paused'::text]))
  CREATE INDEX run_newest ON :schema.run USING btree (accepted_at DESC)
  CREATE INDEX run_open ON :schema.run USING btree (id) WHERE (state = ANY (ARRAY['planning'::text, 'running'::text]))
  CREATE INDEX run_queue ON :schema.run USING btree (priority DESC, accepted_at, id) WHERE (state = 'queued'::text)
  CREATE INDEX run_retries ON :schema.run USING btree (retry_of) WHERE (retry_of IS NOT NULL)
  CREATE INDEX run_to_follow ON :schema.run USING btree (accepted_at) WHERE (follow AND (NOT followed) AND (state = 'completed'::text))
  CREATE UNIQUE INDEX run_live_target ON :schema.run USING btree (target_id) WHERE ((state = ANY (ARRAY['planning'::text, 'running'::text, 'paused'::text])) OR ((state = 'cancelling'::text) AND (planned_at IS NOT NULL)))

table :schema.run_intent
  at timestamp with time zone not null
  changes jsonb
  from_intent text not null
  from_state text not null
  partition_id uuid
  reason text
  request_key text not null
  requested_by text
  run_id uuid not null
  sequence bigint not null
  to_intent text not null
  to_state text not null
  type text not null
  constraint changes_of_a_tune CHECK (((changes IS NOT NULL) = (type = 'tune'::text)))
  constraint run_intent_pkey PRIMARY KEY (run_id, sequence)
  constraint run_intent_request_key_fkey FOREIGN KEY (request_key) REFERENCES :schema.request(request_key) ON DELETE CASCADE
  constraint run_intent_request_key_key UNIQUE (request_key)
  constraint run_intent_run_id_fkey FOREIGN KEY (run_id) REFERENCES :schema.run(id) ON DELETE CASCADE
  constraint run_intent_type_check CHECK ((type = ANY (ARRAY['pause'::text, 'resume'::text, 'cancel'::text, 'tune'::text])))

table :schema.schedule
  backfill text not null
  decided jsonb
  every text not null
  handled timestamp with time zone not null
  timezone text not null
  constraint schedule_pkey PRIMARY KEY (backfill)

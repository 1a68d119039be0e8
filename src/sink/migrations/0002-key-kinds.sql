-- Partitions along uuids, and along keys that only the server of the source can order.

alter table :schema.checkpoint
  drop constraint checkpoint_kind_check,
  add constraint checkpoint_kind_check check (kind in ('integer', 'time', 'uuid', 'key'));

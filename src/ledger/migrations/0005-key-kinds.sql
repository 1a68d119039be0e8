-- Partitions along uuids, and along keys that only the server of the source can order.

alter table :schema.partition
  drop constraint partition_kind_check,
  add constraint partition_kind_check check (kind in ('integer', 'time', 'uuid', 'key'));

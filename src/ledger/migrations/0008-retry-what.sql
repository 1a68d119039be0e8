-- What of another run a retry does again: its partitions that failed, those that were named, those with rejected rows, or
-- a part of its domain that is cut anew.

alter table :schema.run
  add column retry_what text check (retry_what in ('failed', 'named', 'rejected', 'cut'));
update :schema.run set retry_what = case when retry_only is null then 'failed' else 'named' end where retry_of is not null;
alter table :schema.run
  add constraint retry_of_something check ((retry_of is null) = (retry_what is null)),
  add constraint retry_only_of_named check ((retry_only is not null) = (retry_what is not distinct from 'named'));

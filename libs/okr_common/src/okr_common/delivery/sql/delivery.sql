-- name: put
insert into delivery.outbox (service, order_key, topic, message_key, partition_key, value, headers, unit)
select $1, r.order_key, r.topic, r.message_key, r.partition_key, r.value, r.headers, r.unit
from unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::bytea[], $7::json[], $8::json[])
    with ordinality as r (order_key, topic, message_key, partition_key, value, headers, unit, number)
order by r.number

-- name: unsent
-- Never a cursor over ids: a later id may commit first.
select id, order_key, topic, message_key, partition_key, value, headers, unit, place
from delivery.outbox where service = $1 and sent_at is null order by id limit $2

-- name: unsent_ids
select id from delivery.outbox where service = $1 and sent_at is null

-- name: still_unsent
select count(*) from delivery.outbox where id = any($1::bigint[]) and sent_at is null

-- name: mark_sent
update delivery.outbox set sent_at = now()
where id = any($1::bigint[]) and exists (select from delivery.relay_lease where service = $2 and epoch = $3 for update)

-- name: mark_place
update delivery.outbox set place = $2
where id = $1 and exists (select from delivery.relay_lease where service = $3 and epoch = $4 for update)

-- name: forget_sent
delete from delivery.outbox where service = $1 and sent_at < now() - $2::interval

-- name: lease
-- One relay per service at a time: taken when free or expired, kept by its holder; each new holder raises the epoch.
insert into delivery.relay_lease as held (service, holder, epoch, expires_at)
values ($1, $2, 1, clock_timestamp() + $3::interval)
on conflict (service) do update set
    holder = $2,
    epoch = held.epoch + (held.holder <> $2)::int,
    expires_at = clock_timestamp() + $3::interval
where held.holder = $2 or held.expires_at < clock_timestamp()
returning epoch

-- name: release_lease
update delivery.relay_lease set expires_at = clock_timestamp() where service = $1 and holder = $2

-- name: acquire_offset
insert into delivery.consumer_offset as held (consumer, topic, partition, next_offset, epoch, topic_id, cluster_id)
values ($1, $2, $3, 0, 1, $4, $5)
on conflict (consumer, topic, partition) do update set
    epoch = held.epoch + 1,
    next_offset = case when held.topic_id = $4 and held.cluster_id = $5 then held.next_offset else 0 end,
    topic_id = $4,
    cluster_id = $5,
    updated_at = now()
returning epoch, next_offset

-- name: commit_offset
update delivery.consumer_offset set next_offset = $6, updated_at = now()
where consumer = $1 and topic = $2 and partition = $3 and epoch = $4 and next_offset = $5

-- name: fence_holder
select backend_pid from delivery.fence where name = $1 and backend_pid <> pg_backend_pid()

-- name: fence_terminate
select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid = $1 and usename = current_user

-- name: fence_take
insert into delivery.fence (name, holder, backend_pid) values ($1, $2, pg_backend_pid())
on conflict (name) do update set holder = $2, backend_pid = pg_backend_pid(), since = now()

-- name: fence_end_stalled
-- Also within a COPY, which no timeout of the server ends.
select pid, xact_start, pg_terminate_backend(pid) from pg_stat_activity
where usename = current_user and datname = current_database() and backend_xid is not null and wait_event = 'ClientRead'
  and state_change < clock_timestamp() - $1::interval

-- name: fence_end_silent
select pid, application_name, pg_terminate_backend(pid) from pg_stat_activity s
where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
  and exists (select from pg_locks l where l.pid = s.pid and l.locktype = 'advisory')
  and not exists (select from pg_stat_activity o
                  where o.usename = s.usename and o.datname = s.datname and o.application_name = s.application_name
                    and o.state_change >= clock_timestamp() - $1::interval)

-- name: unsent
-- Of every service that writes into this database; `old` has waited for longer than any broker's pause should take.
select service, count(*) as unsent, count(*) filter (where created_at < now() - interval '30 seconds') as old,
       min(created_at) as oldest
from delivery.outbox where sent_at is null group by service order by service

-- name: places
select consumer, topic, partition, next_offset from delivery.consumer_offset order by consumer, topic, partition

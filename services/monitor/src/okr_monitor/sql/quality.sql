-- name: raw_batches
select batch.source, count(*) as batches, coalesce(max(position), 0) as last_position,
    coalesce(sum(rows), 0)::bigint as rows,
    coalesce(sum(rows) filter (where position <= heads.head), 0)::bigint as rows_to_head
from batch
left join unnest($1::text[], $2::bigint[]) as heads (source, head) on heads.source = batch.source
group by batch.source

-- name: raw_files
select source, state, count(*) as files, count(*) filter (where changed_at > now() - $1::interval) as lately
from file group by source, state

-- name: raw_unreadable
select batch.source, unreadable.reason, count(*) as records
from unreadable join batch using (batch_id) group by batch.source, unreadable.reason

-- name: processed_heads
select source, position as head from source_head

-- name: processed_results
-- A replay raises the generation; each batch counts once, with the newest.
select source, sum(rows)::bigint as rows, sum(new)::bigint as new, sum(changed)::bigint as changed,
    sum(duplicate)::bigint as duplicate, sum(unchanged)::bigint as unchanged, sum(rejected)::bigint as rejected,
    sum(pending)::bigint as pending
from (select distinct on (source, position) * from batch_result order by source, position, generation desc) newest
group by source

-- name: rejected_reasons
select source, reason, count(*) as rows from rejected cross join unnest(reasons) as reason group by source, reason

-- name: documents_due
select source, count(*) as documents from document_due group by source

-- name: documents
select source, count(*) as documents from document group by source

-- name: titles
select key_result_id, title from key_result where key_result_id = any($1::uuid[])

-- name: outbox
select service, count(*) as unsent,
    extract(epoch from clock_timestamp() - min(created_at))::float8 as waits_seconds
from delivery.outbox where sent_at is null group by service order by service

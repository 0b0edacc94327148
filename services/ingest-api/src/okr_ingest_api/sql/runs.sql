-- name: requests_of_run
select request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged, unreadable, rewinds, reason,
    detail, started_at, ended_at
from api_request where run_id = $1 order by source, started_at

-- name: newest_rows
-- The newest rows that this run stored of a source.
select r.cells from api_request q
join batch b on b.source = q.source and b.request = q.request
join raw_row r on r.batch_id = b.batch_id
where q.run_id = $1 and q.source = $2 order by r.batch_id desc, r.row_num desc limit $3

-- name: unsent
-- What Kafka has not acknowledged yet of these sources' batches.
select count(*) from delivery.outbox where service = $1 and sent_at is null and order_key = any($2::text[])

-- name: stored
-- Each request of a run beside what is really there.
select q.request, q.source, q.rows, q.unreadable - q.unreadable_again as unreadable, q.batches,
    coalesce(b.batches, 0) as found_batches, coalesce(b.rows, 0) as batch_rows, coalesce(b.unreadable, 0) as batch_unreadable,
    coalesce(b.released, 0) as released, coalesce(b.found_rows, 0) as found_rows, coalesce(b.highest, 0) as highest
from api_request q
left join (
    select request, source, count(*) as batches, count(position) as released, sum(batch.rows) as rows,
        sum(batch.unreadable) as unreadable, sum(held.rows) as found_rows, max(held.highest) as highest
    from batch
    cross join lateral (
        select count(*) as rows, max(row_num) as highest from raw_row where raw_row.batch_id = batch.batch_id) held
    where request is not null group by request, source
) b using (source, request)
where q.run_id = $1 order by q.source

-- name: latest_requests
-- The newest request of every source.
select distinct on (source) request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged,
    unreadable, rewinds, reason, detail, started_at, ended_at
from api_request order by source, started_at desc

-- name: requests_of_source
select request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged, unreadable, rewinds, reason,
    detail, started_at, ended_at
from api_request where source = $1 order by started_at desc limit $2

-- name: holdings
-- By source: objects known, and batches released.
select s.name as source, s.next_position - 1 as batches, count(o.object_id) as objects
from source s left join api_object o on o.source = s.name group by s.name, s.next_position

-- name: records_of_batch
select b.source, b.request, b.created_at, r.row_num, r.cells
from batch b join raw_row r on r.batch_id = b.batch_id
where b.batch_id = $1 and r.row_num > $2 order by r.row_num limit $3

-- name: api_requests
-- Each request beside its batches.
select q.request, q.source, q.state, q.rows, q.unreadable - q.unreadable_again as unreadable, q.batches, coalesce(b.rows, 0) as batch_rows,
       coalesce(b.unreadable, 0) as batch_unreadable, coalesce(b.unreleased, 0) as unreleased,
       coalesce(b.numbers, '{}') as numbers
from api_request q
left join (select source, request, sum(rows) as rows, sum(unreadable) as unreadable,
                  count(*) filter (where position is null) as unreleased, array_agg(number order by number) as numbers
           from batch where request is not null group by source, request) b using (source, request)
order by q.source, q.started_at

-- name: requestless_batches
select b.batch_id, b.source, b.request from batch b
where b.request is not null and not exists (select from api_request q where q.request = b.request and q.source = b.source)

-- name: api_objects
-- What is known of an object beside the row it was last stored as.
select o.source, o.object_id, o.batch_id, o.row_num, o.row_hash, r.row_hash as found_hash
from api_object o left join raw_row r using (batch_id, row_num)
order by o.source, o.object_id

-- name: api_rows
select b.source, b.request, b.released_at, r.batch_id, r.row_num, r.cells, r.row_hash
from batch b join raw_row r using (batch_id) where b.request is not null order by r.batch_id, r.row_num

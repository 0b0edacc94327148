-- name: try_hold
-- Held by the session: a crash lets it go. 7307 is ours among the advisory locks; a clash of hashes only makes one wait.
select pg_try_advisory_lock(7307, hashtext($1))

-- name: let_go
select pg_advisory_unlock(7307, hashtext($1))

-- name: begin
insert into api_request (request, source, run_id) values ($1, $2, $3) on conflict (request) do nothing

-- name: request
select request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged, unreadable, rewinds, reason,
    detail, started_at, ended_at
from api_request where request = $1

-- name: unfinished
select request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged, unreadable, rewinds, reason,
    detail, started_at, ended_at
from api_request where source = $1 and state = 'fetching'

-- name: known_objects
-- One that was gone is news again.
select object_id, row_hash from api_object where source = $1 and object_id = any($2::text[]) and not gone

-- name: known_unreadable
select distinct u.raw from batch b join unreadable u using (batch_id)
where b.source = $1 and b.request is not null and u.raw = any($2::bytea[])

-- name: advance
-- Nothing matches when another replica has stored this page already.
update api_request set pages = pages + 1, cursor = $3, state = $4, batches = batches + $5, rows = rows + $6,
    unchanged = unchanged + $7, unreadable = unreadable + $8, unreadable_again = unreadable_again + $9, reason = null, detail = null, not_before = null,
    changed_at = now(), ended_at = case when $4 = 'fetching' then null else now() end
where request = $1 and pages = $2 and state = 'fetching'
returning request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged, unreadable, rewinds, reason,
    detail, started_at, ended_at

-- name: add_batch
insert into batch (source, request, number, first_row, rows, unreadable) values ($1, $2, $3, $4, $5, $6)
returning batch_id

-- name: remember_objects
-- Of an object that stands on the page twice, the later one.
insert into api_object (source, object_id, row_hash, batch_id, row_num, request)
select distinct on (o.object_id) $1, o.object_id, o.row_hash, $2, o.row_num, $6
from unnest($3::text[], $4::bytea[], $5::bigint[]) as o (object_id, row_hash, row_num)
order by o.object_id, o.row_num desc
on conflict (source, object_id) do update
    set row_hash = excluded.row_hash, batch_id = excluded.batch_id, row_num = excluded.row_num, request = excluded.request,
        gone = false

-- name: see_objects
update api_object set request = $2 where source = $1 and object_id = any($3::text[])

-- name: lacks_objects
select exists (select from api_object where source = $1 and request is distinct from $2 and not gone)

-- name: lose_objects
update api_object set gone = true where source = $1 and request is distinct from $2 and not gone

-- name: lose_rows
-- All but the last known look of the objects that are there.
insert into api_gone (source, batch_id, row_num, position)
select b.source, r.batch_id, r.row_num, (select max(position) from batch where source = $1)
from batch b join raw_row r using (batch_id)
where b.source = $1 and b.request is not null
  and not exists (select from api_gone g where g.batch_id = r.batch_id and g.row_num = r.row_num)
  and not exists (select from api_object o where o.source = $1 and o.batch_id = r.batch_id and o.row_num = r.row_num and not o.gone)

-- name: trouble
update api_request set reason = $2, detail = $3, not_before = $4, changed_at = now() where request = $1 and state = 'fetching'

-- name: fail
update api_request set state = 'failed', reason = $2, detail = $3, changed_at = now(), ended_at = now()
where request = $1 and state = 'fetching'

-- name: rewind
update api_request set cursor = null, rewinds = rewinds + 1, reason = $2, detail = $3, changed_at = now()
where request = $1 and state = 'fetching'
returning request, source, run_id, state, cursor, not_before, pages, batches, rows, unchanged, unreadable, rewinds, reason,
    detail, started_at, ended_at

-- name: released_positions
select name as source, next_position - 1 as position from source

-- name: released_batch
-- A revert's batch refers to the rows of an older one.
select b.batch_id, b.rows, b.created_at, greatest(b.created_at, f.let_go_at) as known_at, coalesce(b.rows_of, b.batch_id) as rows_of, f.header,
       case when b.file_id is null then 'request/' || b.request else 'file/' || b.file_id end as unit,
       s.next_position - 1 - b.position as behind, b.file_id,
       'file/' || f.compared_with as compared_with, coalesce(f.path, '') as path,
       (select count(*) from batch o where o.file_id = b.file_id) as parts
from batch b join source s on s.name = b.source left join file f using (file_id)
where b.source = $1 and b.position = $2

-- name: is_fetching
-- Whether more batches of this request may come. A file's are released together.
select exists (select from api_request where 'request/' || request = $1 and state = 'fetching')

-- name: first_of_unit
select min(o.position) from batch b
join batch o on o.source = b.source and o.file_id is not distinct from b.file_id and o.request is not distinct from b.request
where b.source = $1 and b.batch_id = $2 and b.position is not null

-- name: raw_rows
select row_num, cells from raw_row where batch_id = $1 order by row_num

-- name: these_rows
select row_num, cells from raw_row where batch_id = $1 and row_num = any($2::bigint[]) order by row_num

-- name: news_rows
-- The rows that the file before had not.
select row_num, cells from raw_row where batch_id = $1 and row_num in (select row_num from changed_row where batch_id = $1)
order by row_num

-- name: news_rows_and_these
-- And those with one of these hashes.
select row_num, cells from raw_row
where batch_id = $1 and (row_num in (select row_num from changed_row where batch_id = $1) or row_hash = any($2::bytea[]))
order by row_num

-- name: gone_until
-- The last of the next so many.
select batch_id, row_num from (
    select batch_id, row_num from gone_row where file_id = $1 and (batch_id, row_num) > ($2, $3) order by batch_id, row_num limit $4
) as next order by batch_id desc, row_num desc limit 1

-- name: gone_rows
select r.row_num, r.cells from gone_row g join raw_row r using (batch_id, row_num)
where g.file_id = $1 and (g.batch_id, g.row_num) > ($2, $3) and (g.batch_id, g.row_num) <= ($4, $5)

-- name: batches_before
-- Of the file that this one was compared with.
select b.batch_id from file f join batch b on b.file_id = f.compared_with where f.file_id = $1

-- name: hashes_of
select distinct r.row_hash from unnest($1::bigint[], $2::bigint[]) as w (batch_id, row_num)
join batch b using (batch_id) join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id) and r.row_num = w.row_num

-- name: where_rows_stand
-- Of rejected or pending rows: the file and the line to mend.
select w.batch_id, w.row_num, f.path, r.first_line
from unnest($1::bigint[], $2::bigint[]) as w (batch_id, row_num)
join batch b using (batch_id)
join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id) and r.row_num = w.row_num
left join file f using (file_id)

-- name: unreadable_of_file
-- Without blank lines, which say nothing.
select count(*) from batch b join unreadable u on u.batch_id = coalesce(b.rows_of, b.batch_id)
where b.file_id = $1 and u.reason <> 'blank_line'

-- name: standing_positions
-- Of an API's batches up to a position those with rows that were still said there: of objects that were there, as they were.
select distinct b.position from batch b join raw_row r using (batch_id)
where b.source = $1 and b.position <= $2
  and not exists (select from api_gone g where g.batch_id = r.batch_id and g.row_num = r.row_num and g.position <= $2)
order by b.position

-- name: standing_rows
select row_num, cells from raw_row r where batch_id = $1
  and not exists (select from api_gone g where g.batch_id = r.batch_id and g.row_num = r.row_num and g.position <= $2)
order by row_num

-- name: request_ended
select state = 'done' as ended_well, unreadable from api_request where request = $1

-- name: released_positions
select name as source, next_position - 1 as position from source

-- name: released_batch
-- A revert's batch refers to the rows of an older one.
select b.batch_id, b.rows, b.created_at, coalesce(b.rows_of, b.batch_id) as rows_of, f.header,
       case when b.file_id is null then 'request/' || b.request else 'file/' || b.file_id end as unit,
       s.next_position - 1 - b.position as behind
from batch b join source s on s.name = b.source left join file f using (file_id)
where b.source = $1 and b.position = $2

-- name: raw_rows
select row_num, cells from raw_row where batch_id = $1 order by row_num

-- name: where_rows_stand
-- Of rejected rows: the file and the line to mend.
select w.batch_id, w.row_num, f.path, r.first_line
from unnest($1::bigint[], $2::bigint[]) as w (batch_id, row_num)
join batch b using (batch_id)
join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id) and r.row_num = w.row_num
left join file f using (file_id)

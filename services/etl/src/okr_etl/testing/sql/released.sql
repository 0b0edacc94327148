-- name: add_source
insert into source (name) values ($1) on conflict do nothing

-- name: add_file
with drawn as (
    update source set next_sequence = next_sequence + 1 where name = $1 returning name, next_sequence - 1 as sequence
)
insert into file (source, sequence, path, sha256, bytes, modified_at, state, header, rows, discovered_at)
select name, sequence, 'inbox/' || sequence || '.csv', sequence::text::bytea, 1, now(), 'done', $2, $3, now() from drawn
returning file_id

-- name: release
with drawn as (
    update source set next_position = next_position + 1 where name = $1 returning name, next_position - 1 as position
)
insert into batch (source, file_id, number, first_row, rows, rows_of, position, released_at)
select name, $2, $3, $4, $5, $6, position, now() from drawn
returning batch_id, position

-- name: add_unreadable
insert into unreadable (batch_id, number, first_line, last_line, byte_start, byte_len, reason, detail, raw)
values ($1, $2, 1, 1, 0, 0, $3, '', '')

-- name: header
select header from file where file_id = $1

-- name: compare
-- As ingestion does: file $1 with the one before it, $2.
update file set compared_with = $2 where file_id = $1

-- name: changed
insert into changed_row (file_id, batch_id, row_num)
select $1, batch_id, row_num from raw_row join batch using (batch_id) where file_id = $1
    and row_hash not in (select row_hash from raw_row join batch using (batch_id) where file_id = $2)

-- name: gone
insert into gone_row (file_id, batch_id, row_num)
select $1, batch_id, row_num from raw_row join batch using (batch_id) where file_id = $2
    and row_hash not in (select row_hash from raw_row join batch using (batch_id) where file_id = $1)

-- name: batches
select b.batch_id, b.position, b.created_at, b.source, coalesce(b.rows_of, b.batch_id) as rows_of, f.header, f.path,
       'file/' || f.file_id as unit
from batch b join file f using (file_id) where b.source = $1 and b.position is not null order by b.position

-- name: rows
select row_num, cells from raw_row where batch_id = $1 order by row_num

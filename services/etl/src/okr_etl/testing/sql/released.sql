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

-- name: header
select header from file where file_id = $1

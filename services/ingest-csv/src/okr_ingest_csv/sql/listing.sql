-- name: files
select file_id, source, sequence, path, bytes, state, reason, detail, rows, unreadable, batches, revert_of, discovered_at, changed_at
from file
where ($1::text is null or state = $1) and ($2::text is null or source = $2) and ($3::bigint is null or file_id < $3)
order by file_id desc limit $4

-- name: file
select file_id, source, sequence, path, encode(sha256, 'hex') as sha256, bytes, modified_at, state, reason, detail, encoding,
    encoding_guessed, encoding_how, delimiter, delimiter_how, header, header_how, header_line, repair, revert_of, rows, unreadable,
    batches, expected_rows, one_reader, duplicates, known_rows, next_byte, next_line, archived_as, discovered_at, started_at,
    changed_at, extract(epoch from clock_timestamp() - started_at)::float8 as seconds_loading,
    (select count(*) from gone_row g where g.file_id = file.file_id) as gone_rows
from file where file_id = $1

-- name: file_findings
select kind, severity, column_name as column, detail from file_finding where file_id = $1 order by number

-- name: file_history
select at, state, reason, detail from file_change where file_id = $1 order by at

-- name: file_profiles
select o.profile from batch b join batch o on o.batch_id = coalesce(b.rows_of, b.batch_id)
where b.file_id = $1 and o.profile is not null

-- name: file_batches
select batch_id, number, first_row, rows, unreadable, rows_of, position, created_at, released_at
from batch where file_id = $1 order by number limit 1000

-- name: file_unreadable
select b.batch_id, u.number, u.first_line, u.last_line, u.byte_start, u.byte_len, u.reason, u.detail, u.raw
from batch b join unreadable u on u.batch_id = coalesce(b.rows_of, b.batch_id)
where b.file_id = $1 order by b.number, u.number limit $2

-- name: file_paths
select path from sighting where file_id = $1 order by path

-- name: left_alone
select path, size, reason, detail, seen_at from sighting where file_id is null and path > $1 order by path limit $2

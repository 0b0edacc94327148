-- name: unfinished_sources
select distinct source from file where state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: unfinished_files
select file_id from file
where source = $1 and state not in ('done', 'quarantined', 'failed', 'vanished') order by sequence

-- name: hold
-- The lock belongs to the session: a crash lets it go, and so does the pool when the connection comes back. Its second
-- key is folded to 31 bits; a clash only makes one file wait.
select f.file_id, f.source, f.sequence, f.path, f.sha256, f.bytes, f.state, f.encoding, f.encoding_guessed, f.encoding_how,
    f.delimiter, f.header, f.header_line, f.repair, f.expected_rows, f.one_reader, f.rows, f.unreadable, f.batches, f.next_byte,
    f.next_line, f.revert_of, older.state as revert_state,
    pg_try_advisory_lock(7306, (f.file_id % 2147483647)::int) as held,
    nextval(pg_get_serial_sequence('batch', 'batch_id')) as batch_id
from file f left join file older on older.file_id = f.revert_of
where f.file_id = $1 and f.state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: draw_batch_id
select nextval(pg_get_serial_sequence('batch', 'batch_id'))

-- name: advance
-- The file's progress, and its next batch if there is anything in it. Nothing matches, and so nothing is added, when
-- another replica has stored this batch already.
with advanced as (
    update file set rows = rows + $4, unreadable = unreadable + $5, batches = batches + ($4 + $5 > 0)::int, next_byte = $6,
        next_line = $7, state = $8, reason = $9, detail = $10, duplicates = $11, known_rows = $12,
        started_at = coalesce(started_at, now()), changed_at = now()
    where file_id = $1 and next_byte = $2 and batches = $3 and state in ('waiting', 'validating', 'loading')
    returning source, rows, unreadable, batches
), added as (
    insert into batch (batch_id, source, file_id, number, first_row, rows, unreadable, profile)
    overriding system value
    select $13, source, $1, $3 + 1, $14, $4, $5, $15 from advanced where $4 + $5 > 0
)
select rows, unreadable, batches from advanced

-- name: set_state
update file set state = $2, changed_at = now() where file_id = $1 and state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: put_range
insert into file_range (file_id, number, byte_start, bytes, line_start, lines, first_row, records, sha256)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: ranges
select number, byte_start, bytes, line_start, lines, first_row, records, sha256 from file_range where file_id = $1 and number > $2
order by number

-- name: set_plan
update file set expected_rows = $2, one_reader = $3, changed_at = now() where file_id = $1

-- name: unreadable_of
select u.reason, count(*) as records from unreadable u join batch using (batch_id) where file_id = $1 group by u.reason

-- name: profiles_of
select profile from batch where file_id = $1 and profile is not null

-- name: formers
-- The source's files before this one, the newest first, with how many cells of each column were blank.
select f.file_id, f.header, f.rows, f.batches,
    (select coalesce(json_object_agg(column_index, cells), '{}') from (
        select blank.key as column_index, sum(blank.value::bigint) as cells
        from batch b, json_each_text(b.profile -> 'blank') as blank
        where b.batch_id in (select coalesce(rows_of, batch_id) from batch where file_id = f.file_id) group by blank.key) as counted
    ) as blank
from (
    select * from file where source = $1 and state = 'done' and file_id <> $2
    order by coalesce(let_go_after, sequence) desc, let_go_at desc nulls last limit $3) as f

-- name: count_duplicates
select coalesce(sum(copies - 1), 0)::bigint from (
    select count(*) as copies from raw_row where batch_id = any($1::bigint[]) group by row_hash having count(*) > 1) as repeated

-- name: count_known
select count(*) from raw_row mine where mine.batch_id = any($1::bigint[]) and exists (
    select from raw_row theirs
    where theirs.batch_id in (select coalesce(rows_of, batch_id) from batch where file_id = $2) and theirs.row_hash = mine.row_hash)

-- name: batches_of
select batch_id from batch where file_id = $1

-- name: put_finding
insert into file_finding (file_id, number, kind, severity, column_name, detail) values ($1, $2, $3, $4, $5, $6)

-- name: quarantined
select file_id, source, state, reason, encoding, encoding_guessed, delimiter, header, batches from file where file_id = $1

-- name: let_go
-- It counts as heard of now, after every file of its source that was claimed until now.
update file f set state = $2, reason = $3, detail = $4, repair = coalesce($5, repair), let_go_at = clock_timestamp(), changed_at = now(),
    let_go_after = (select next_sequence - 1 from source where name = f.source)
where file_id = $1 and state = 'quarantined'
returning rows, unreadable, batches

-- name: end_file
update file set state = $2, reason = $3, detail = $4, changed_at = now()
where file_id = $1 and state not in ('done', 'quarantined', 'failed', 'vanished')
returning file_id

-- name: add_reverted_batches
-- New batches that refer to the rows of the older file's batches, or to what those refer to themselves.
insert into batch (source, file_id, number, first_row, rows, unreadable, rows_of)
select source, $1, number, first_row, rows, unreadable, coalesce(rows_of, batch_id) from batch where file_id = $2 order by number

-- name: end_revert
update file f set state = 'done', changed_at = now(), rows = older.rows, unreadable = older.unreadable,
    batches = older.batches, duplicates = older.duplicates, expected_rows = older.expected_rows, next_byte = older.next_byte, next_line = older.next_line, reason = older.reason
from file older
where f.file_id = $1 and older.file_id = $2 and f.state = 'waiting'
returning f.rows, f.unreadable, f.batches

-- name: in_line
-- The batches without a position of files before the first unfinished one: whatever comes later waits anyway, and there
-- may be thousands of it.
with first as (
    select file_id, sequence, state from file
    where source = $1 and state not in ('done', 'quarantined', 'failed', 'vanished') order by sequence limit 1
)
select f.file_id, f.sequence, f.state, b.batch_id, b.number
from batch b join file f using (file_id)
where b.source = $1 and b.position is null and f.state <> 'quarantined'
    and f.sequence < coalesce((select sequence from first), f.sequence + 1)

-- name: source_of_file
select source from file where file_id = $1

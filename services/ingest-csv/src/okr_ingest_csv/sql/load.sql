-- name: unfinished_sources
select distinct source from file where state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: unfinished_files
select file_id from file
where source = $1 and state not in ('done', 'quarantined', 'failed', 'vanished') order by sequence

-- name: hold
-- The lock belongs to the session: a crash lets it go, and so does the pool when the connection comes back. Its second
-- key is folded to 31 bits; a clash only makes one file wait.
select f.file_id, f.source, f.path, f.sha256, f.bytes, f.encoding, f.delimiter, f.header, f.rows, f.unreadable, f.batches,
    f.next_byte, f.next_line, f.revert_of, older.state as revert_state,
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
        next_line = $7, state = $8, reason = $9, changed_at = now()
    where file_id = $1 and next_byte = $2 and batches = $3 and state in ('waiting', 'loading')
    returning source, rows, unreadable, batches
), added as (
    insert into batch (batch_id, source, file_id, number, first_row, rows, unreadable)
    overriding system value
    select $10, source, $1, $3 + 1, $11, $4, $5 from advanced where $4 + $5 > 0
)
select rows, unreadable, batches from advanced

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
    batches = older.batches, next_byte = older.next_byte, next_line = older.next_line, reason = older.reason
from file older
where f.file_id = $1 and older.file_id = $2 and f.state = 'waiting'
returning f.rows, f.unreadable, f.batches

-- name: in_line
-- The first unfinished file, and the batches without a position up to it: whatever comes later waits anyway, and there
-- may be thousands of it.
with first as (
    select file_id, sequence, state from file
    where source = $1 and state not in ('done', 'quarantined', 'failed', 'vanished') order by sequence limit 1
)
select f.file_id, f.sequence, f.state, b.batch_id, b.number
from batch b join file f using (file_id)
where b.source = $1 and b.position is null and f.sequence <= coalesce((select sequence from first), f.sequence)
union all
select file_id, sequence, state, null, null from first

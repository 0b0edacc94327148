-- name: unfinished_sources
select distinct source from file where state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: unfinished_files
select file_id, bytes from file
where source = $1 and state not in ('done', 'quarantined', 'failed', 'vanished')
order by coalesce(let_go_after, sequence), let_go_at nulls first

-- name: lock_files
-- The locks belong to the session: a crash lets them go, so does the pool when the connection comes back, and of a process
-- that stands still its guard in another one (fence_end_silent). Their second key is folded to 31 bits; a clash only makes one file wait.
select file_id from unnest($1::bigint[]) as wanted (file_id) where pg_try_advisory_lock(7306, (file_id % 2147483647)::int)

-- name: held_files
-- Read after they were locked: what another replica stored until then is seen.
select f.file_id, f.source, f.sequence, f.path, f.sha256, f.bytes, f.state, f.encoding, f.encoding_guessed, f.encoding_how,
    f.delimiter, f.header, f.header_line, f.repair, f.expected_rows, f.one_reader, f.rows, f.unreadable, f.batches, f.next_byte,
    f.next_line, f.revert_of, older.state as revert_state, nextval(pg_get_serial_sequence('batch', 'batch_id')) as batch_id
from file f left join file older on older.file_id = f.revert_of
where f.file_id = any($1::bigint[]) and f.state not in ('done', 'quarantined', 'failed', 'vanished')
order by coalesce(f.let_go_after, f.sequence), f.let_go_at nulls first

-- name: draw_batch_id
select nextval(pg_get_serial_sequence('batch', 'batch_id'))

-- name: advance
-- The progress of files, and their next batches if there is anything in them. A file does not come back, and nothing is
-- added to it, when another replica has stored this batch already.
with progress as (
    select * from unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
        $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::json[])
        as p (file_id, from_byte, number, rows, unreadable, next_byte, next_line, state, reason, detail, duplicates, known_rows,
            compared_with, batch_id, first_row, profile)
), advanced as (
    update file f set rows = f.rows + p.rows, unreadable = f.unreadable + p.unreadable,
        batches = f.batches + (p.rows + p.unreadable > 0)::int, next_byte = p.next_byte, next_line = p.next_line, state = p.state,
        reason = p.reason, detail = p.detail, duplicates = p.duplicates, known_rows = p.known_rows,
        compared_with = p.compared_with,
        started_at = coalesce(f.started_at, now()), changed_at = now()
    from progress p
    where f.file_id = p.file_id and f.next_byte = p.from_byte and f.batches = p.number - 1
        and f.state in ('waiting', 'validating', 'loading')
    returning f.file_id, f.source, f.rows, f.unreadable, f.batches
), added as (
    insert into batch (batch_id, source, file_id, number, first_row, rows, unreadable, profile)
    overriding system value
    select p.batch_id, a.source, p.file_id, p.number, p.first_row, p.rows, p.unreadable, p.profile
    from progress p join advanced a using (file_id) where p.rows + p.unreadable > 0
)
select file_id, rows, unreadable, batches from advanced

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

-- name: batches_of
-- With whose rows they have: a revert's batches have those of an older file's.
select b.batch_id, coalesce(b.rows_of, b.batch_id) as rows_of, o.profile
from batch b join batch o on o.batch_id = coalesce(b.rows_of, b.batch_id) where b.file_id = $1 order by b.number

-- name: formers
-- The source's files before this one, the newest first.
select f.file_id, f.header, f.rows from file f, file mine
where mine.file_id = $2 and f.source = $1 and f.state = 'done'
    and (coalesce(f.let_go_after, f.sequence), coalesce(f.let_go_at, '-infinity'))
        < (coalesce(mine.let_go_after, mine.sequence), coalesce(mine.let_go_at, '-infinity'))
order by coalesce(f.let_go_after, f.sequence) desc, f.let_go_at desc nulls last limit $3

-- name: count_duplicates
-- Of each file (an index into the arrays: a batch and the file it is of) the rows that repeat an earlier one of it. The
-- offset keeps PostgreSQL from reading the whole table: of a table that grows it guesses wrong how many rows a batch has.
select file, sum(copies - 1)::bigint as duplicates from (
    select part.file, count(*) as copies
    from unnest($1::bigint[], $2::int[]) as part (batch_id, file),
        lateral (select row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r
    group by part.file, r.row_hash having count(*) > 1) as repeated
group by file

-- name: compare
-- Of each file: the rows that the file before it had too, its other rows, and how many rows of that one are gone: $1 its
-- batches, $2 which file that is; $3 and $4 the same of the files before. Counted together rather than joined: of a table
-- that grows PostgreSQL guesses so wrong that it compares each row with each.
select file, coalesce(sum(mine) filter (where theirs > 0), 0)::bigint as known,
    coalesce(sum(mine) filter (where theirs = 0), 0)::bigint as changed,
    coalesce(sum(theirs) filter (where mine = 0), 0)::bigint as gone
from (
    select file, row_hash, count(*) filter (where is_mine) as mine, count(*) filter (where not is_mine) as theirs from (
        select part.file, r.row_hash, true as is_mine
        from unnest($1::bigint[], $2::int[]) as part (batch_id, file),
            lateral (select row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r
        union all
        select part.file, r.row_hash, false
        from unnest($3::bigint[], $4::int[]) as part (batch_id, file),
            lateral (select row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r) as rows_of_both
    group by file, row_hash) as counted
group by file

-- name: put_changed
-- Of a file $1 the rows of its batches $2 that those of the file before, $3, have not. Both are read once and hashed:
-- nested loops are off where this runs.
insert into changed_row (file_id, batch_id, row_num)
select $1, mine.batch_id, mine.row_num from (
    select part.batch_id, r.row_num, r.row_hash from unnest($2::bigint[]) as part (batch_id),
        lateral (select row_num, row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r) as mine
where not exists (
    select from (
        select r.row_hash from unnest($3::bigint[]) as part (batch_id),
            lateral (select row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r) as other
    where other.row_hash = mine.row_hash)

-- name: put_gone
insert into gone_row (file_id, batch_id, row_num)
select $1, mine.batch_id, mine.row_num from (
    select part.batch_id, r.row_num, r.row_hash from unnest($2::bigint[]) as part (batch_id),
        lateral (select row_num, row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r) as mine
where not exists (
    select from (
        select r.row_hash from unnest($3::bigint[]) as part (batch_id),
            lateral (select row_hash from raw_row where raw_row.batch_id = part.batch_id offset 0) as r) as other
    where other.row_hash = mine.row_hash)

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
where f.file_id = $1 and older.file_id = $2 and older.state = 'done' and f.state = 'waiting' and f.batches = 0
returning f.rows, f.unreadable, f.batches

-- name: in_line
-- The batches without a position of files before the first unfinished one: whatever comes later waits anyway, and there
-- may be thousands of it. A file that was let go stands after those that were claimed until then.
with first as (
    select coalesce(let_go_after, sequence) as after, coalesce(let_go_at, '-infinity') as at from file
    where source = $1 and state not in ('done', 'quarantined', 'failed', 'vanished')
    order by coalesce(let_go_after, sequence), let_go_at nulls first limit 1
)
select f.file_id, dense_rank() over (order by coalesce(f.let_go_after, f.sequence), f.let_go_at nulls first) as place, f.state,
    b.batch_id, b.number
from batch b join file f using (file_id)
where b.source = $1 and b.position is null and f.state <> 'quarantined' and (
    not exists (select from first)
    or (coalesce(f.let_go_after, f.sequence), coalesce(f.let_go_at, '-infinity')) < (select after, at from first))

-- name: source_of_file
select source from file where file_id = $1

-- name: sightings
-- What these paths held when they were last looked at, with the bytes if a file was made of them that is not set aside.
-- What changed while it was read may look as it did, and a copy of what was not read to its end may be whole: not seen.
select s.path, s.size, s.mtime_ns, s.inode, f.file_id, f.source, f.sha256
from sighting s left join file f on f.file_id = s.file_id and f.state not in ('failed', 'vanished', 'quarantined')
where s.path = any($1::text[]) and not exists (
    select from file c where c.file_id = s.file_id and c.reason in ('changed_while_read', 'vanished'))

-- name: known_sightings
-- What could not be read for a reason that may pass counts as not seen; and see `sightings`.
select path, size, mtime_ns, inode from sighting s
where path = any($1::text[]) and not coalesce(reason, '') = any($2::text[]) and not exists (
    select from file c where c.file_id = s.file_id and c.reason in ('changed_while_read', 'vanished'))

-- name: left_alone_below
select path, reason, size, mtime_ns, inode from sighting
where file_id is null and path > $2 and starts_with(path, $1) order by path limit 1000

-- name: forget_left_alone
delete from sighting where path = any($1::text[]) and file_id is null

-- name: put_sighting
-- Gives a row only where it says something new.
insert into sighting (path, size, mtime_ns, inode, file_id, reason, detail) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (path) do update
    set size = $2, mtime_ns = $3, inode = $4, file_id = $5, reason = $6, detail = $7, seen_at = now()
    where (sighting.size, sighting.mtime_ns, sighting.inode, sighting.file_id, sighting.reason, sighting.detail)
        is distinct from ($2, $3, $4, $5, $6, $7)
returning true

-- name: known_files
-- Enough to tell news from a copy and from a revert: the newest file that brought or will bring rows, and those of the
-- same bytes. A file that was let go counts as heard of then.
select file_id, row_number() over (order by coalesce(let_go_after, sequence), let_go_at nulls first) as age, sha256, state, batches
from file
where state <> 'quarantined' and (state not in ('failed', 'vanished') or batches > 0) and file_id in (
    (select file_id from file
     where source = $1 and state <> 'quarantined' and (state not in ('failed', 'vanished') or batches > 0)
     order by coalesce(let_go_after, sequence) desc, let_go_at desc nulls last limit 1)
    union all
    select file_id from file where source = $1 and sha256 = any($2::bytea[]))

-- name: encodings_of_size
select sha256, encoding, encoding_guessed, encoding_how from file
where bytes = $1 and bytes >= 16777216 and state = 'done' and encoding_how <> $2

-- name: draw_file_ids
select nextval(pg_get_serial_sequence('file', 'file_id')) as file_id from generate_series(1, $1::int)

-- name: draw_sequences
update source set next_sequence = next_sequence + $2 where name = $1 returning next_sequence - $2

-- name: add_file
insert into file (file_id, sequence, source, path, sha256, bytes, modified_at, state, reason, detail, encoding, encoding_guessed,
    encoding_how, delimiter, delimiter_how, header, header_how, header_line, repair, revert_of, next_byte, next_line, discovered_at)
overriding system value
values ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1e9), $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22, $23)

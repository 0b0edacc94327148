-- name: sources
select name, next_sequence - 1 as sequences, next_position - 1 as positions from source order by name

-- name: file_sequences
select source, array_agg(sequence order by sequence) as numbers from file group by source

-- name: batch_positions
select source, array_agg(position order by position) as numbers from batch where position is not null group by source

-- name: batches
-- Each batch beside what is really there: a revert's batch has the rows of an older one.
select b.batch_id, b.source, b.position, b.number, b.rows, b.first_row, b.unreadable,
       coalesce(r.rows, 0) as found_rows, r.lowest, r.highest, coalesce(u.unreadable, 0) as found_unreadable
from batch b
left join (select batch_id, count(*) as rows, min(row_num) as lowest, max(row_num) as highest from raw_row group by batch_id) r
       on r.batch_id = coalesce(b.rows_of, b.batch_id)
left join (select batch_id, count(*) as unreadable from unreadable group by batch_id) u on u.batch_id = coalesce(b.rows_of, b.batch_id)
order by b.batch_id

-- name: orphans
-- Rows of no batch.
select 'raw_row' as kind, r.batch_id, count(*) as rows from raw_row r
where not exists (select from batch b where b.batch_id = r.batch_id) group by r.batch_id

-- name: files
select f.file_id, f.source, f.path, f.archived_as, f.state, f.reason, f.discovered_at, f.header_line, f.sha256, f.bytes, f.encoding,
       f.delimiter, f.header, f.rows, f.unreadable,
       f.batches, f.revert_of, coalesce(b.rows, 0) as batch_rows, coalesce(b.unreadable, 0) as batch_unreadable,
       coalesce(b.batches, 0) as found_batches, coalesce(b.unreleased, 0) as unreleased,
       coalesce(b.numbers, '{}') as numbers
from file f
left join (select file_id, sum(rows) as rows, sum(unreadable) as unreadable, count(*) as batches,
                  count(*) filter (where position is null) as unreleased, array_agg(number order by number) as numbers
           from batch where file_id is not null group by file_id) b using (file_id)
order by f.file_id

-- name: records_of_file
-- Rows and unreadable records of one file, in the file's order.
select b.batch_id, r.row_num, r.cells, r.row_hash, r.repaired, null::bytea as raw, r.first_line, r.last_line, r.byte_start, r.byte_len
from batch b join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id)
where b.file_id = $1
union all
select b.batch_id, null, null, null, false, u.raw, u.first_line, u.last_line, u.byte_start, u.byte_len
from batch b join unreadable u on u.batch_id = coalesce(b.rows_of, b.batch_id)
where b.file_id = $1
order by byte_start

-- name: row_numbers
-- A revert's batch refers to the rows of an older one.
select b.batch_id, r.row_num from batch b join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id)
order by b.batch_id, r.row_num

-- name: released
select batch_id, source, position, rows, file_id, request, released_at from batch where position is not null order by source, position

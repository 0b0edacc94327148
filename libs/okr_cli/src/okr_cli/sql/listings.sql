-- name: files
select file_id, source, sequence, path, state, reason, detail, bytes, encoding, encoding_guessed, delimiter, revert_of,
       rows, unreadable, batches, discovered_at, changed_at
from file
where ($1::text is null or source = $1) and ($2::text is null or state = $2)
order by file_id desc limit $3

-- name: left_alone
-- Paths in the watched folders that are no file of any source, and why.
select null::bigint as file_id, null::text as source, path, 'left alone' as state, reason, detail, size as bytes, seen_at as discovered_at
from sighting where file_id is null order by path limit $1

-- name: unreadable
-- Records that are no rows: of a file, or of an API's page. One that each export repeats as `rejected` tells it.
with wanted as (
    select b.source, b.batch_id, coalesce(b.file_id::text, b.request) as unit, b.file_id, u.number, u.first_line, u.reason, u.detail, u.raw
    from unreadable u join batch b using (batch_id)
    where ($1::text is null or b.source = $1) and ($2::text is null or u.reason = $2)
), copies as (
    select *, row_number() over (partition by source, md5(raw), unit order by number) as copy from wanted
), told as (
    select *, count(*) over (partition by source, md5(raw), copy) as exports,
           row_number() over (partition by source, md5(raw), copy order by batch_id desc) as age
    from copies
)
select t.source, t.batch_id, f.path, f.encoding, t.first_line, t.reason, t.detail, t.raw, t.exports
from told t left join file f using (file_id) where t.age = 1 or $4::boolean
order by t.batch_id desc, t.number limit $3

-- name: rejected
-- A row that each export repeats once, where it came last; `exports` tells in how many files, or requests, it came. Of rows
-- with the same cells in one file the first is the same as the first of another file, the second as the second. `sent_back`: the
-- batch in which it, or the same one later, came back mended; such a row is told only with all others.
with wanted as (
    select *, coalesce(row_hash, int8send(position) || int8send(row_num)) as same from rejected
    where ($1::text is null or source = $1)
      and ($2::text is null or exists (select from unnest(reasons) as r where r = $2 or r like $2 || ':%'))
), copies as (
    select *, row_number() over (partition by source, same, coalesce(unit, batch_id::text) order by position, row_num) as copy from wanted
), told as (
    select c.*, count(*) over of_it as exports, row_number() over latest_first as age, max(b.by_batch_id) over latest_first as sent_back
    from copies c left join (select source, batch_id, row_num, max(by_batch_id) as by_batch_id from sent_back group by 1, 2, 3) b
        using (source, batch_id, row_num)
    window of_it as (partition by source, same, copy), latest_first as (partition by source, same, copy order by position desc)
)
select source, position, batch_id, row_num, reasons, detail, exports, sent_back from told
where age = 1 and sent_back is null or $4::boolean
order by position desc, row_num limit $3

-- name: rows_of
-- Where rows stand in their files, and what they hold: (batch, row) pairs as two arrays.
select b.batch_id, r.row_num, f.path, f.header, r.cells, r.first_line, r.last_line
from unnest($1::bigint[], $2::bigint[]) as wanted (batch_id, row_num)
join batch b using (batch_id)
join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id) and r.row_num = wanted.row_num
left join file f using (file_id)

-- name: documents
select entity_id, entity, source, version, text, meta, labels, changed_at from document
where ($1::text is null or source = $1) and ($2::text is null or entity = $2)
order by changed_at desc, entity_id limit $3

-- name: all_documents
select entity_id::text, entity, source, version, text, meta, labels, changed_at from document
where ($1::text is null or source = $1) and ($2::text is null or entity = $2) order by entity_id

-- name: training_rows
-- Of each check-in, or definition, what the model's own training or the stream made of it; never what came late.
select p.model, p.source, p.key_result_id::text, p.key_result, p.check_in_id::text, p.revision, p.knowledge_time, p.due_on,
       p.elapsed::float8, p.features, p.baselines, o.achieved, o.final_value, o.target, o.knowledge_time as outcome_known_at
from prediction p join checkpoint c on c.model = p.model and c.training = p.training
left join lateral (
    select achieved, final_value, target, knowledge_time from outcome_heard h
    where h.model = p.model and h.key_result_id = p.key_result_id and not h.withdrawn order by h.revision desc limit 1) o on true
where p.kind in ('live', 'replay') and p.features is not null and ($1::text is null or p.source = $1)
order by p.knowledge_time, p.prediction_id

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
-- Records that are no rows: of a file, or of an API's page.
select b.source, b.batch_id, f.path, f.encoding, u.first_line, u.reason, u.detail, u.raw
from unreadable u
join batch b using (batch_id)
left join file f using (file_id)
where ($1::text is null or b.source = $1) and ($2::text is null or u.reason = $2)
order by u.batch_id desc, u.number limit $3

-- name: rejected
select source, position, batch_id, row_num, reasons, detail from rejected
where ($1::text is null or source = $1) and ($2::text is null or exists (select from unnest(reasons) as r where r = $2 or r like $2 || ':%'))
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
    where h.model = p.model and h.key_result_id = p.key_result_id order by h.revision desc limit 1) o on true
where p.kind in ('live', 'replay') and p.features is not null and ($1::text is null or p.source = $1)
order by p.knowledge_time, p.prediction_id

-- name: rejected_cells
select source, position, batch_id, row_num, reasons, detail from rejected
where source = $1 and ($2::text is null or exists (select from unnest(reasons) as r where r = $2 or r like $2 || ':%'))
order by position, row_num

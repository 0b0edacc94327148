-- name: prediction
select prediction_id, model, model_version, kind, source, key_result_id, key_result, check_in_id, revision, knowledge_time, due_on,
       value, target, forecast, forecast_low, forecast_high, probability, probability_low, probability_high, risk, reasons,
       baselines, batch_id, row_num, made_at
from prediction where prediction_id = $1

-- name: newest_prediction
-- Of a key result by its id or natural key, also as people read it (`key_in_words`): the newest that is shown.
select prediction_id, model, model_version, kind, source, key_result_id, key_result, check_in_id, revision, knowledge_time, due_on,
       value, target, forecast, forecast_low, forecast_high, probability, probability_low, probability_high, risk, reasons,
       baselines, batch_id, row_num, made_at
from prediction where prediction_id in (
    select prediction_id from key_result_state where key_result_id::text = $1 or key_result = $1
      or (key_result like '%\%%' and replace(replace(key_result, '%2F', '/'), '%25', '%') = $1))
order by knowledge_time desc, seq desc limit 1

-- name: version
select entity, entity_id, revision, source, position, seq, generation, knowledge_time, batch_id, row_num, payload
from entity_version where entity_id = $1 and revision = $2

-- name: closed
-- Why the key result is no more, as its current version says; no row: it is open, or ended.
select k.closed, v.generation, v.position from key_result k
join entity_version v on (v.entity_id, v.revision) = (k.key_result_id, k.revision)
where k.key_result_id = $1 and k.closed is not null

-- name: raw_row
select b.batch_id, r.row_num, b.position, b.request, f.file_id, f.path, f.archived_as, f.sequence, f.sha256, f.bytes, f.encoding, f.header, r.cells,
       r.first_line, r.last_line, r.byte_start, r.byte_len
from batch b
join raw_row r on r.batch_id = coalesce(b.rows_of, b.batch_id)
left join file f using (file_id)
where b.batch_id = $1 and r.row_num = $2

-- name: run
insert into run (run_id, pipeline, logical_time, trigger, state, reason, started_at, ended_at)
values ($1, $2, $3, 'cron', $4, $5, now() - interval '3 seconds', case when $4 in ('requested', 'running') then null else clock_timestamp() end)

-- name: source
insert into source (name) values ($1)

-- name: file
insert into file (source, sequence, path, sha256, bytes, modified_at, state, discovered_at)
values ($1, $2, 'a.csv', 'x', 1, now(), $3, now())

-- name: batch
insert into batch (source, request, number, first_row, rows, unreadable, position) values ($1, $2::text, 1, 1, $3, $4, $5)
returning batch_id

-- name: unreadable
insert into unreadable (batch_id, number, first_line, last_line, byte_start, byte_len, reason, detail, raw)
values ($1, $2, 1, 1, 0, 1, $3, 'planted', 'x')

-- name: head
insert into source_head (source, position) values ($1, $2)

-- name: batch_result
insert into batch_result (source, position, generation, batch_id, mapping_hash, rows, new, changed, duplicate, unchanged, rejected, pending, versions, outcomes)
values ($1, $2, $3, $2, 'x', $4, $5, 0, 0, 0, $6, 0, $5, 0)

-- name: rejected
insert into rejected (source, position, batch_id, row_num, reasons, detail) values ($1, $2, $2, $3, $4, '{}')

-- name: key_result
insert into key_result (key_result_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num, objective_id, title, metric_kind, direction, start_on, due_on)
values ($1, 'mta', $2, 1, 'x', now(), 1, 1, $1, $3, 'number', 'stay_above', '2026-01-01', '2026-12-31')

-- name: model
insert into model (model, sources) values ('mta', '{mta}')

-- name: model_version
insert into model_version (model, version, alias, training, pipeline, contract_hash, libraries) values ('mta', 1, 'champion', 1, 'p', 'x', '{}')

-- name: recovered
insert into model_change (model, kind, version, served, serves, made_by, reason, made_at)
values ('mta', 'recovered', $1, 1, $1, 'recovery', 'its sha256 is x, not y', now() - make_interval(hours => $2))

-- name: checkpoint
insert into checkpoint (model, version, training, marks, outcomes, achieved, learned, contract_hash, libraries)
values ('mta', $1, 1, '{}', 1, 1, 1, 'x', '{}')

-- name: prediction
insert into prediction (prediction_id, model, model_version, training, kind, source, key_result_id, key_result, check_in_id, revision, seq, knowledge_time, due_on,
    elapsed, value, target, forecast, features, probability, risk, reasons, baselines, batch_id, row_num, made_at)
values ($1, 'mta', 1, 1, $2, 'mta', $3, $4, $3, 1, 1, now(), '2026-12-31', $5, 79.6, 85.0, 81.25, $6, $7, 'high', $8, $9, 1, 1, now())

-- name: outcome_heard
insert into outcome_heard (model, outcome_id, revision, key_result_id, achieved, final_value, target, knowledge_time, superseding, learned, batch_id, row_num)
values ('mta', $1, 1, $1, $2, 1, 1, now(), false, 0, 1, 1)

-- name: key_result_state
insert into key_result_state (model, key_result_id, source, key_result, due_on, open, state, prediction_id, risk, probability)
values ('mta', $1, 'mta', $2, '2026-12-31', true, '{}', $3, 'high', $4)

-- name: forget_live
delete from prediction where kind = 'live'

-- name: checkpoint
select version, training, marks, outcomes, achieved, recent, watermark, learned, contract_hash, libraries, state_digest, sha256, state,
       forecast_errors
from checkpoint where model = $1

-- name: open_states
select key_result_id::text, source, state from key_result_state where model = $1 and open

-- name: states
select key_result_id::text, source, state from key_result_state where model = $1 and key_result_id = any($2::uuid[])

-- name: answers
-- What a training does not know of key results: how often, and as of when, they were answered.
select key_result_id::text, (state ->> 'predictions')::int as predictions, (state ->> 'answered')::int as answered,
       (state ->> 'aged')::int as aged
from key_result_state where model = $1

-- name: origins
-- Of each key result the newest definition: what a prediction that no version asked for leads back to.
select distinct on (key_result_id) key_result_id::text, revision, batch_id, row_num from prediction
where key_result_id = any($2::uuid[]) and model = $1 and check_in_id is null and kind in ('live', 'late')
order by key_result_id, revision desc

-- name: track_records
select series, outcomes, achieved, last, margin from track_record where model = $1

-- name: tallies
select key, open, outcomes, achieved, reached from tally where model = $1

-- name: unlearned
-- What an outcome may teach: rows of the current training, each once; replay rows lie before the stream's. Where another
-- version served after this training was made, the rows it made in the stream, without its raw score. Where another pipeline
-- served along this training, the score is what pipeline $4 said in its shadow. Of definitions, as in a training, those that came
-- before the first check-in.
select p.prediction_id, p.key_result_id::text, p.features, p.forecast,
       case when p.training <> $2 then null when v.pipeline = $4 then p.raw
            else (select s.raw from shadow_prediction s
                  where s.prediction_id = p.prediction_id and s.pipeline = $4 and s.training = $2) end as raw
from prediction p left join model_version v on v.model = p.model and v.version = p.model_version
where p.key_result_id = any($3::uuid[]) and p.model = $1 and p.learned_seq is null and p.features is not null
  and ((p.training = $2 and p.kind in ('live', 'replay') and p.raw is not null)
    or (p.training <> $2 and p.kind = 'live' and p.made_at > (
        select min(t.made_at) from model_version t where t.model = $1 and t.training = $2)))
  and (p.check_in_id is not null or not exists (
    select from prediction c where c.key_result_id = p.key_result_id and c.model = p.model and c.check_in_id is not null
      and c.knowledge_time < p.knowledge_time))
order by p.key_result_id, p.kind = 'live', p.seq

-- name: next_unit
select nextval('prediction_unit')

-- name: stage_states
create temporary table staged_state (
    model text, key_result_id uuid, source text, key_result text, due_on date, open boolean, state json,
    predicted boolean, prediction_id uuid, risk text, probability double precision
) on commit drop

-- name: put_states
with untouched as (
    insert into key_result_state (model, key_result_id, source, key_result, due_on, open, state)
    select model, key_result_id, source, key_result, due_on, open, state from staged_state where not predicted
    on conflict (model, key_result_id) do update set
        source = excluded.source, key_result = excluded.key_result, due_on = excluded.due_on, open = excluded.open,
        state = excluded.state
)
insert into key_result_state
    (model, key_result_id, source, key_result, due_on, open, state, prediction_id, risk, probability)
select model, key_result_id, source, key_result, due_on, open, state, prediction_id, risk, probability
from staged_state where predicted
on conflict (model, key_result_id) do update set
    source = excluded.source, key_result = excluded.key_result, due_on = excluded.due_on, open = excluded.open,
    state = excluded.state, prediction_id = excluded.prediction_id, risk = excluded.risk,
    probability = excluded.probability

-- name: unstage_states
drop table staged_state

-- name: put_track_records
insert into track_record (model, series, outcomes, achieved, last, margin)
select $1, r.series, r.outcomes, r.achieved, r.last, r.margin
from unnest($2::text[], $3::int[], $4::int[], $5::boolean[], $6::double precision[])
    as r (series, outcomes, achieved, last, margin)
on conflict (model, series) do update set
    outcomes = excluded.outcomes, achieved = excluded.achieved, last = excluded.last, margin = excluded.margin

-- name: forget_track_records
delete from track_record where model = $1

-- name: put_tallies
-- One that counts nothing any more is forgotten.
with said as (
    select * from unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::float8[])
        as t (key, open, outcomes, achieved, reached)
), forgotten as (
    delete from tally using said
    where tally.model = $1 and tally.key = said.key and said.open = 0 and said.outcomes = 0
)
insert into tally (model, key, open, outcomes, achieved, reached)
select $1, key, open, outcomes, achieved, reached from said where open > 0 or outcomes > 0
on conflict (model, key) do update set
    open = excluded.open, outcomes = excluded.outcomes, achieved = excluded.achieved, reached = excluded.reached

-- name: forget_tallies
delete from tally where model = $1

-- name: put_outcomes
insert into outcome_heard
    (model, outcome_id, revision, key_result_id, achieved, final_value, target, knowledge_time, superseding, learned,
     batch_id, row_num)
select $1, o.* from unnest($2::uuid[], $3::int[], $4::uuid[], $5::boolean[], $6::double precision[],
    $7::double precision[], $8::timestamptz[], $9::boolean[], $10::int[], $11::bigint[], $12::bigint[]) as o
on conflict do nothing

-- name: withdraw_outcomes
-- They count no more; returns those from which rows were learned.
with taken as (
    update outcome_heard set superseding = true, withdrawn = true
    where model = $1 and outcome_id = any($2::uuid[]) and not withdrawn returning outcome_id::text, learned
)
select distinct outcome_id from taken where learned > 0

-- name: mark_learned
-- Whoever made it: from now on it belongs to the training that learned it.
update prediction set learned_seq = l.seq, training = $3 from unnest($1::uuid[], $2::bigint[]) as l (prediction_id, seq)
where prediction.prediction_id = l.prediction_id

-- name: put_checkpoint
-- `state`, its proofs and what forecasts erred by are given only when the model learned; null keeps what is there.
insert into checkpoint as held
    (model, version, training, marks, outcomes, achieved, recent, watermark, learned, contract_hash, libraries,
     state_digest, sha256, state, forecast_errors)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, coalesce($15, '{}'))
on conflict (model) do update set
    version = $2, training = $3, marks = $4, outcomes = $5, achieved = $6, recent = $7, watermark = $8, learned = $9,
    contract_hash = $10, libraries = $11, state_digest = coalesce($12, held.state_digest),
    sha256 = coalesce($13, held.sha256), state = coalesce($14, held.state),
    forecast_errors = coalesce($15, held.forecast_errors), updated_at = now()

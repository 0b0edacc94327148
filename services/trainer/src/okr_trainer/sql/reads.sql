-- name: read_unit
-- A published unit's records after a place, as okr_common.records.Prediction says them; places are 1, 2, 3.
select p.prediction_id::text as prediction_id, p.key_result_id::text as key_result_id, (
    select row_to_json(said)::text from (select
        p.prediction_id, p.model, p.model_version, p.kind, p.source, p.key_result_id, p.key_result, p.check_in_id,
        case when p.check_in_id is not null then p.revision end as check_in_revision, p.seq, p.knowledge_time,
        p.due_on, p.probability, p.probability_low, p.probability_high, p.risk, p.reasons, p.forecast,
        p.forecast_low, p.forecast_high, p.target, p.baselines, p.batch_id, p.row_num, p.made_at
    ) as said) as value, p.made_at
from prediction p where p.unit = $1 and p.place > $2 order by p.place limit $3

-- name: models
select v.model, m.sources, v.version, v.alias, v.training, v.pipeline, v.made_at, v.cut, v.since, v.until, v.check_ins,
       v.outcomes, v.learned, v.contract_hash, v.libraries, v.state_digest, v.verdict, c.learned as learned_now, c.watermark
from model_version v join model m using (model) left join checkpoint c using (model)
where $1::text is null or v.model = $1 order by v.model, v.version desc

-- name: described
select version, alias, training, pipeline, made_at, cut, since, until, check_ins, outcomes, learned, metrics, verdict,
       contract_hash, libraries, state_digest, sha256
from model_version where model = $1 and version = $2

-- name: model_metrics
select metrics, reference, verdict from model_version where model = $1 and version = $2

-- name: predictions
select p.prediction_id, p.model, p.model_version, p.training, p.kind, p.source, p.key_result_id, p.key_result,
       p.check_in_id, p.revision, p.seq, p.knowledge_time, p.due_on, p.elapsed, p.value, p.target, p.forecast,
       p.forecast_low, p.forecast_high, p.features, p.raw, p.probability, p.probability_low, p.probability_high, p.risk, p.reasons, p.baselines, p.batch_id, p.row_num, p.made_at,
       p.learned_seq, o.achieved
from prediction p
left join outcome_heard o on o.key_result_id = p.key_result_id and o.model = p.model and not o.superseding
where p.key_result_id = $1 and ($2::text is null or p.kind = $2)
order by p.knowledge_time desc, p.seq desc limit $3

-- name: key_results
-- Open on the source's clock: no outcome yet, and not due before what is today for its source ($4, $5 side by side).
-- `elapsed` is today's, `start` the ordinal that tells it.
select s.model, s.source, s.key_result_id, s.key_result, s.due_on, s.risk, s.probability, p.probability_low,
       p.probability_high, p.model_version, p.kind,
       p.knowledge_time, p.elapsed, (s.state ->> 'start')::int as start, c.today, p.value, p.target, p.forecast, p.forecast_low, p.forecast_high,
       p.reasons, p.baselines, p.prediction_id
from key_result_state s
join prediction p on p.prediction_id = s.prediction_id
left join unnest($4::text[], $5::date[]) as c (source, today) on c.source = s.source
where s.open and s.risk is not null and s.due_on >= coalesce(c.today, s.due_on)
  and ($1::text is null or s.risk = $1) and ($2::text is null or s.source = $2)
order by s.probability, s.key_result_id limit $3

-- name: known
-- Key results as each model knows them, with where the model stands and the records of their series; of one that ended how,
-- as its newest outcome says, and what was last said of it. Each part is looked up by its key whatever the tables hold.
select s.model, s.key_result_id, s.source, s.state, s.open, p.probability, p.risk, p.model_version,
       p.knowledge_time as predicted_at, o.achieved, o.final_value, o.target, o.knowledge_time as known_at,
       c.version as stamp_version, c.sha256 as stamp_sha256, c.outcomes as stamp_outcomes,
       r.series, r.outcomes, r.reached, r.last, r.margin
from key_result_state s
left join checkpoint c on c.model = s.model
left join lateral (
    select array_agg(series) as series, array_agg(outcomes) as outcomes, array_agg(achieved) as reached,
           array_agg(last) as last, array_agg(margin) as margin
    from track_record
    where s.open and model = s.model and series = any(array[s.state ->> 'series', s.state ->> 'kin'])) r on true
left join lateral (
    select probability, risk, model_version, knowledge_time from prediction
    where not s.open and prediction_id = s.prediction_id limit 1) p on true
left join lateral (
    select achieved, final_value, target, knowledge_time from outcome_heard h
    where not s.open and not h.withdrawn and h.model = s.model and h.key_result_id = s.key_result_id order by h.revision desc limit 1) o on true
where s.model = any(array(select model from model)) and s.key_result_id = any($1::uuid[])
order by s.model

-- name: gone_since
-- On okr_processed: when the last version of these key results became known.
select distinct on (entity_id) entity_id, knowledge_time from entity_version
where entity_id = any($1::uuid[]) order by entity_id, revision desc

-- name: tallies_of
select key, open, outcomes, achieved, reached from tally where model = $1 and key = any($2::text[])

-- name: scored
-- Predictions whose outcome is known: what evaluation looks at. Version 0 is one of the baselines, so what it said is
-- the model's only where that version is asked for.
-- A replay is held against the newest outcome, as it learned; the stream against the first that counted.
-- The newest $8 by their outcome, those of one key result together; `of`: how many there are.
with ended as (
    select distinct on (key_result_id) key_result_id, achieved, knowledge_time, heard_at from outcome_heard
    where model = $1 and case when $2 = 'replay' then not withdrawn else not superseding end
    order by key_result_id, knowledge_time desc, heard_seq desc
)
select p.key_result_id::text, p.source, p.elapsed, p.knowledge_time::date as day, p.due_on as due, o.knowledge_time as ended,
       o.achieved, p.probability, p.baselines, count(*) over () as of
from prediction p join ended o on o.key_result_id = p.key_result_id
where p.model = $1 and p.kind = $2
  and (p.kind <> 'replay' or p.training = (
      select max(v.training) from model_version v where v.model = $1 and ($3::int is null or v.version = $3)))
  and (p.check_in_id is not null or p.kind = 'aged') and p.probability is not null
  and o.achieved is not null and (p.kind <> 'replay' or p.learned_seq is not null)
  and p.model_version = coalesce($3::int, nullif(p.model_version, 0))
  and ($4::timestamptz is null or p.knowledge_time >= $4) and ($5::timestamptz is null or p.knowledge_time < $5)
  and ($6::timestamptz is null or o.heard_at > $6) and ($7::text is null or p.source = $7)
order by o.knowledge_time desc, p.key_result_id, p.knowledge_time desc limit $8

-- name: daily_reports
select report_id, logical_time, made_at, content -> 'models' -> $1::text as content from report
where kind = 'model_daily' and content -> 'models' -> $1::text is not null order by logical_time desc, report_id desc limit $2

-- name: titles
-- On okr_processed.
select key_result_id, title, unit from key_result where key_result_id = any($1::uuid[])

-- name: retraced_training
-- The one that serves; where the pace rule does, the newest.
select coalesce((select nullif(training, 0) from checkpoint where model = $1),
                (select max(training) from model_version where model = $1))

-- name: retraced_versions
select version, training, pipeline, learned, state_digest, contract_hash, libraries, heard
from model_version where model = $1 and training = $2 and version > 0 order by version

-- name: recorded
-- Up to which row the order of learning of training $2 is recorded: what a version learned again when it was taken up after
-- one of another training had served is not, because those rows bear the number of the other one.
select coalesce(min(v.learned), 9223372036854775807)
from model_change c
join model_version v on v.model = c.model and v.version = c.serves and v.training = $2
join model_version was on was.model = c.model and was.version = c.served and was.training not in (0, $2)
where c.model = $1 and c.learned_again > 0

-- name: learned_rows
-- What training $2 learned, in order, each with the outcome that taught it: the first $5 in its replay, by the newest that was
-- heard by then ($3); the others in the stream, where each outcome says how many rows it taught. `taught_by` tells two outcomes
-- of one key result apart. `raw`: what pipeline $6 said of the row along this training; null: it was not asked then.
with replayed as (
    select distinct on (key_result_id) key_result_id, achieved from outcome_heard
    where model = $1 and achieved is not null and heard_seq <= $3
    order by key_result_id, knowledge_time desc, heard_seq desc
), streamed as (
    select key_result_id, achieved, heard_seq, sum(learned) over in_order as upto, sum(learned) over in_order - learned as after
    from outcome_heard where model = $1 and learned > 0 and heard_seq > $3
    window in_order as (partition by key_result_id order by heard_seq)
), learned as (
    select p.prediction_id, p.learned_seq, p.key_result_id, p.features, p.learned_seq <= $5 as in_replay,
           case when v.training = $2 and v.pipeline = $6 then p.raw
                else (select s.raw from shadow_prediction s
                      where s.prediction_id = p.prediction_id and s.pipeline = $6 and s.training = $2) end as raw,
           row_number() over (partition by p.key_result_id, p.learned_seq <= $5 order by p.learned_seq) as nth
    from prediction p left join model_version v on v.model = p.model and v.version = p.model_version
    where p.model = $1 and p.training = $2 and p.learned_seq <= $4
)
select l.prediction_id::text, l.learned_seq, l.key_result_id::text, l.features, l.raw, coalesce(s.heard_seq, 0) as taught_by,
       case when l.in_replay then r.achieved else s.achieved end as achieved
from learned l
left join replayed r on l.in_replay and r.key_result_id = l.key_result_id
left join streamed s on not l.in_replay and s.key_result_id = l.key_result_id and l.nth > s.after and l.nth <= s.upto
order by l.learned_seq

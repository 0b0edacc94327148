-- name: models
select model, sources from model order by model

-- name: trainings
-- Each training replay of a model, and up to where it went in each source.
select distinct on (model, training) model, training, version, cut from model_version where training > 0
order by model, training, version

-- name: stream_predictions
-- Live or late, of a model: how many of each version of a check-in or definition.
select coalesce(check_in_id, key_result_id) as entity_id, revision, count(*) as predictions, min(kind) as kind
from prediction where model = $1 and kind in ('live', 'late')
group by 1, 2 order by 1, 2

-- name: replay_predictions
select coalesce(check_in_id, key_result_id) as entity_id, revision, count(*) as predictions
from prediction where model = $1 and kind = 'replay' and training = $2
group by 1, 2 order by 1, 2

-- name: published_predictions
select prediction_id, model, model_version, kind, source, key_result_id, key_result, check_in_id, revision, seq, knowledge_time,
       due_on, probability, probability_low, probability_high, risk, reasons, forecast, forecast_low, forecast_high,
       target, baselines, batch_id, row_num, made_at
from prediction where unit is not null

-- name: seqs_with_holes
select model, key_result, count(*) as predictions, min(seq) as lowest, max(seq) as highest, count(distinct seq) as distinct_seqs
from prediction where kind <> 'replay'
group by model, key_result_id, key_result
having count(*) <> max(seq) or min(seq) <> 1 or count(distinct seq) <> count(*)

-- name: outcomes_heard
select outcome_id as entity_id, revision, achieved, final_value, target, key_result_id
from outcome_heard where model = $1 order by outcome_id, revision

-- name: states_astray
-- What is held of a key result beside the prediction it refers to; a late one is shown only if it was published, too.
select s.model, s.key_result, s.prediction_id, s.probability, s.risk, p.probability as stored_probability, p.risk as stored_risk,
       p.prediction_id is not null as is_there, p.kind
from key_result_state s left join prediction p using (prediction_id)
where s.prediction_id is not null
  and (p.prediction_id is null or (p.kind = 'late' and p.unit is null and p.probability is not null) or p.key_result_id <> s.key_result_id
       or (s.probability, s.risk) is distinct from (p.probability, p.risk))

-- name: states_of
select key_result_id, key_result from key_result_state where model = $1 order by key_result_id

-- name: checkpoints_astray
-- A model stands where its registry says: what the checkpoint holds is its champion.
select m.model, c.version, v.version is not null as is_registered from model m
left join checkpoint c using (model)
left join model_version v on v.model = m.model and v.version = c.version and v.alias = 'champion'
where v.version is null

-- name: scores_astray
-- Two rows learned under one number, or one under a number the model has not reached.
select p.model, p.training, p.learned_seq, count(*) as rows from prediction p
left join checkpoint c on c.model = p.model and c.training = p.training
where p.learned_seq is not null
group by p.model, p.training, p.learned_seq, c.learned having count(*) > 1 or p.learned_seq > c.learned

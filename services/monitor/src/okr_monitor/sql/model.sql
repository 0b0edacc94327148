-- name: serving_models
select model, version, training from model_version where alias = 'champion' order by model

-- name: training_rows
-- Ids are hashes, so their order is a draw.
select key_result_id::text, elapsed, features from prediction
where model = $1 and training = $2 and kind = 'replay' and features is not null
order by prediction_id limit $3

-- name: live_rows
-- Made after the training that they are compared with; what an earlier version answered is history, as training is.
select key_result_id::text, elapsed, features from prediction
where model = $1 and training = $2 and kind = 'live' and features is not null and made_at > $3
order by made_at desc, prediction_id limit $4

-- name: scored_rows
-- Version 0 is one of the baselines, so what it said is not scored as the model's.
select p.model, p.key_result_id::text, p.elapsed, p.probability, p.baselines, o.achieved
from prediction p
join outcome_heard o on o.model = p.model and o.key_result_id = p.key_result_id
where p.kind = 'live' and p.check_in_id is not null and p.model_version > 0 and p.probability is not null
    and not o.superseding and o.achieved is not null
order by p.made_at desc, p.prediction_id limit $1

-- name: at_risk
-- Open on the source's clock: no outcome yet, and not due before what is today for its source ($2, $3 side by side).
select k.model, k.key_result_id, k.key_result, k.source, k.due_on, k.probability, k.risk,
    p.reasons, p.value, p.forecast, p.target, p.made_at
from key_result_state k
join prediction p using (prediction_id)
left join unnest($2::text[], $3::date[]) as c (source, today) on c.source = k.source
where k.open and k.risk = 'high' and k.due_on >= coalesce(c.today, k.due_on)
order by k.probability, k.due_on, k.key_result limit $1

-- name: risk_counts
select k.risk, count(*) as key_results from key_result_state k
left join unnest($1::text[], $2::date[]) as c (source, today) on c.source = k.source
where k.open and k.risk is not null and k.due_on >= coalesce(c.today, k.due_on)
group by k.risk

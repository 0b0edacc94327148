-- name: model_versions
select model, version, alias, training, pipeline, made_at, since, until, check_ins, outcomes, learned, metrics, verdict
from model_version where $1::text is null or model = $1 order by model, version desc

-- name: model_version
select v.model, v.version, v.alias, v.training, v.pipeline, v.made_at, v.cut, v.since, v.until, v.check_ins, v.outcomes, v.learned,
       v.metrics, v.verdict, v.contract_hash, v.libraries, v.state_digest, v.sha256, m.sources
from model_version v join model m using (model)
where model = $1 and ($2::int is null or version = $2) and ($2::int is not null or alias = 'champion' or not exists (
    select from model_version where model = $1 and alias = 'champion'))
order by version desc limit 1

-- name: too_early
-- Of each of these models with which a training went through everything and found nothing to learn: the key results that
-- ended, if every end was known before anything that was said of its key result. A check-in of the same time goes before it.
with ended as (
    select model, key_result_id, max(knowledge_time) as known_at from outcome_heard h
    where model = any($1::text[]) and achieved is not null and not withdrawn and exists (
        select from work_item w where w.pipeline = 'trainer' and w.kind = 'train_initial' and w.subject = h.model
          and w.state = 'done' and w.result ->> 'reason' = 'nothing_learned')
    group by model, key_result_id
), teachable as (
    select distinct e.model from ended e join prediction p on p.key_result_id = e.key_result_id and p.model = e.model
    where p.knowledge_time <= e.known_at
)
select model, count(*)::int as outcomes from ended e
where model not in (select model from teachable) and exists (
    select from prediction p where p.key_result_id = e.key_result_id and p.model = e.model and p.check_in_id is not null)
group by model order by model

-- name: at_risk
-- Open key results, not yet due on their source's clock ($2, $3 side by side), with the newest prediction of each.
select s.model, s.source, s.key_result, s.key_result_id, s.due_on, s.risk, s.probability, p.probability_low, p.probability_high,
       p.prediction_id, p.model_version, p.reasons, p.forecast, p.forecast_low, p.forecast_high, p.value, p.target, p.knowledge_time, p.baselines, c.today, s.due_on - c.today as days_left
from key_result_state s
join prediction p using (prediction_id)
left join unnest($2::text[], $3::date[]) as c (source, today) on c.source = s.source
where s.open and s.due_on >= coalesce(c.today, s.due_on) and ($1::text is null or s.risk = $1)
  and ($4::text is null or s.source = $4)
order by s.probability, s.due_on, s.key_result limit $5

-- name: risk_counts
select s.risk, count(*) as key_results from key_result_state s
left join unnest($1::text[], $2::date[]) as c (source, today) on c.source = s.source
where s.open and s.risk is not null and s.due_on >= coalesce(c.today, s.due_on) group by s.risk

-- name: titles
select k.key_result_id, k.title, o.title as objective from key_result k left join objective o using (objective_id)
where k.key_result_id = any($1::uuid[])

-- name: key_results_named
-- By its id or natural key, also as people read it (`key_in_words`).
select key_result_id, source from key_result
where key_result_id::text = $1 or source_id = $1
   or (source_id like '%\%%' and replace(replace(source_id, '%2F', '/'), '%25', '%') = $1)
order by source

-- name: heard
-- Of each source the place in its order up to which a model has heard it.
select m.key as source, (m.value ->> 'generation')::int as generation, (m.value ->> 'position')::bigint as position,
       (m.value ->> 'seq')::int as seq
from checkpoint c, json_each(c.marks) m

-- name: totals_raw
select count(*) as records, coalesce(sum(last_line - first_line + 1), 0)::bigint as lines,
       (select count(*) from unreadable) as unreadable
from raw_row

-- name: totals_processed
select (select count(distinct attributes ->> 'indicator') from key_result) as indicators,
       (select count(*) from key_result) as key_results,
       (select count(*) from objective) as objectives,
       (select count(*) from check_in) as check_ins,
       (select count(*) from check_in where target is null) as without_target,
       (select count(*) from (select from check_in group by key_result_id having count(distinct coalesce(target, 0)) > 1) c) as moved_with_0,
       (select count(*) from (select from check_in group by key_result_id having count(distinct target) > 1) c) as moved,
       (select count(*) from outcome) as outcomes,
       (select count(*) from outcome where achieved) as achieved,
       (select count(*) from rejected) as rejected

-- name: champion
select model, version, alias, check_ins, outcomes, metrics, made_at from model_version where alias = 'champion' and version >= $1

-- name: learned
select c.model, c.version, c.outcomes, c.achieved, c.learned from checkpoint c

-- name: scored
-- Predictions made in time, at check-ins known in a year, whose outcome is known.
select extract(month from p.knowledge_time)::int as month, p.key_result, h.achieved, p.probability, p.baselines, p.model_version
from prediction p join outcome_heard h on h.key_result_id = p.key_result_id and not h.superseding and h.model = p.model
where p.kind = 'live' and p.check_in_id is not null and p.probability is not null and h.achieved is not null
  and extract(year from p.knowledge_time) = $1
order by p.knowledge_time, p.key_result

-- name: example
-- A prediction worth leading back: the one of this year that was right and surest while the simple rule was wrong.
select p.prediction_id from prediction p
join outcome_heard h on h.key_result_id = p.key_result_id and not h.superseding and h.model = p.model
where p.kind = 'live' and p.check_in_id is not null and p.probability is not null
  and extract(year from p.knowledge_time) = $1
order by ((p.probability >= 0.5) = h.achieved) desc,
         (((p.baselines ->> 'meets_now')::float8 >= 0.5) <> h.achieved) desc, abs(p.probability - 0.5) desc, p.prediction_id
limit 1

-- name: batches_of_files
select b.batch_id, f.path from batch b join file f using (file_id)

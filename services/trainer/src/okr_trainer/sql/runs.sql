-- name: untrained
-- Models that know an outcome and have only the pace rule: nothing was trained yet; or what was trained did not pass, and there
-- are a quarter more outcomes now; or a model serves by the registry, and its checkpoint was refused.
select c.model from checkpoint c join model_version v on v.model = c.model and v.alias = 'champion'
where c.outcomes > 0 and c.version = 0
  and (v.version > 0 or c.outcomes >= 1.25 * coalesce((select max(t.outcomes) from model_version t where t.model = c.model and t.version > 0), 0))
order by c.model

-- name: failing
-- Models whose trainings, of either kind, failed since the last one that was done: of how many runs or requests, and the
-- last one's end.
with failed as (
    select w.subject as model, w.item_id, coalesce(w.run_id::text, w.item_id::text) as asked_by, w.ended_at, w.result
    from work_item w
    where w.pipeline = 'trainer' and w.kind in ('train_initial', 'train_again') and w.state = 'failed'
      and w.item_id > coalesce((
          select max(d.item_id) from work_item d
          where d.pipeline = 'trainer' and d.kind in ('train_initial', 'train_again') and d.subject = w.subject
            and d.state = 'done'), 0)
)
select model, count(distinct asked_by)::int as failures, max(ended_at) as last_at,
       (array_agg(result ->> 'error' order by item_id desc))[1] as error
from failed group by model

-- name: grown
-- Models that have learned since their newest version of this training and pipeline was registered.
select c.model from checkpoint c join model_version s on s.model = c.model and s.version = c.version
where c.version > 0 and c.learned > (
    select max(v.learned) from model_version v
    where v.model = c.model and v.training = c.training and v.pipeline = s.pipeline)
order by c.model

-- name: champions
select model, version from model_version where alias = 'champion' and version > 0 order by model

-- name: next_offsets
select partition, next_offset from delivery.consumer_offset where consumer = $1 and topic = $2

-- name: answered
-- Of each model what it has heard, up to its marks: check-in versions answered in the stream, outcome versions.
select c.model, c.marks,
    (select count(*) from prediction p where p.model = c.model and p.kind in ('live', 'late') and p.check_in_id is not null)
        as check_ins,
    (select count(*) from outcome_heard o where o.model = c.model) as outcomes
from checkpoint c order by c.model

-- name: versions_up_to
-- On okr_processed.
select count(*) filter (where v.entity = 'check_in') as check_ins, count(*) filter (where v.entity = 'outcome') as outcomes
from entity_version v
join unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) as cut (source, generation, position, seq)
    on v.source = cut.source and (v.generation, v.position, v.seq) <= (cut.generation, cut.position, cut.seq)
where v.closed is null

-- name: last_succeeded
-- When the last run before this one that succeeded began: what was heard after that, it may not have seen.
select max(started_at) from run where pipeline = 'trainer' and state = 'succeeded' and run_id <> $1

-- name: report_before
select content from report where kind = 'model_daily' and logical_time <= $1 order by logical_time desc, report_id desc limit 1

-- name: put_daily_report
insert into report (run_id, kind, logical_time, verdict, content) values ($1, 'model_daily', $2, $3, $4)
on conflict (run_id, kind) do update set verdict = $3, content = $4, made_at = now()

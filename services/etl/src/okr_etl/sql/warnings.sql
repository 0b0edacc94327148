-- name: warnings
-- What the field holds against goals that are under way, and check-ins that lie outside of their key results' time.
-- Check-ins are looked up of one goal after another, by check_in_key_result, never grouped and joined: of tables without
-- statistics, as after a first load, a join is planned for one goal, and would read all check-ins once for each.
-- $1, $2, $9, $10: each source, the day it is there, the days of grace after a due date (null: it brings no outcome there), and
-- whether its rows tell the days of its check-ins; $7: the sources in which a status has words; $8: days for which a row may
-- wait; $11: days after its due date for which a key result is asked for late check-ins, or for any.
with recursive today as (
    select source, day, coalesce(grace_days, 0) as grace_days, grace_days is not null as ends_by_due, tells_days,
           case coalesce(grace_days, 0) when 0 then '' when 1 then ' and 1 day of grace' else ' and ' || grace_days || ' days of grace' end as and_grace
    from unnest($1::text[], $2::date[], $9::int[], $10::boolean[]) as t (source, day, grace_days, tells_days)
), open_goal as (
    select k.*, t.day, t.tells_days from key_result k join today t using (source)
    where k.closed is null and k.start_on <= t.day and k.due_on >= t.day
      and not exists (select from outcome o where o.key_result_id = k.key_result_id and o.closed is null)
), crowded as (
    select o.objective_id, o.source, o.title, count(*) as key_results from open_goal g join objective o using (objective_id)
    group by o.objective_id
), astray as (
    select 'check_in_before_start' as warning, g.source, g.key_result_id, g.title, c.check_ins, c.first,
           'before it began on ' || g.start_on as side
    from open_goal g cross join lateral (
        select count(*) as check_ins, min(as_of) as first from check_in
        where key_result_id = g.key_result_id and closed is null and as_of < g.start_on) c
    where g.tells_days
    union all
    select 'check_in_after_close', k.source, k.key_result_id, k.title, c.check_ins, c.first,
           'after it was due on ' || k.due_on || t.and_grace
    from key_result k join today t using (source) cross join lateral (
        select count(*) as check_ins, min(as_of) as first from check_in
        where key_result_id = k.key_result_id and closed is null and as_of > k.due_on + t.grace_days) c
    where k.closed is null and k.due_on >= t.day - $11::int and t.tells_days
), edge as (
    select a.source, a.child_entity, a.child_id, a.parent_id from alignment a join today using (source) where not a.pending
), way as (
    select source, child_entity as entity, child_id as start, parent_id as at, array[child_id] as path from edge
    union all
    select w.source, w.entity, w.start, e.parent_id, w.path || e.child_id from way w join edge e on e.child_id = w.at
    where w.at <> w.start and w.at <> all(w.path) and cardinality(w.path) < 20
), ring as (
    select w.source, w.entity, w.start, (
        select string_agg(coalesce(o.title, k.title), ', ' order by p.place) from unnest(w.path) with ordinality as p (goal_id, place)
        left join objective o on o.objective_id = p.goal_id left join key_result k on k.key_result_id = p.goal_id) as titles
    from way w where w.at = w.start and not exists (select from unnest(w.path) as p where p < w.start)
)
select warning, source, entity, entity_id, title, detail from (
    select 'no_owner' as warning, source, 'key_result' as entity, key_result_id as entity_id, title,
           'nobody is named who answers for it' as detail
    from open_goal where coalesce(owner, '') = '' and source in (select source from key_result where owner is not null)
    union all
    select 'silent', g.source, 'key_result', g.key_result_id, g.title,
           case when l.as_of is null then 'no check-in since it began on ' || g.start_on
                else 'no check-in since ' || l.as_of || ', ' || g.day - l.as_of || case g.day - l.as_of when 1 then ' day' else ' days' end || ' ago' end
    from open_goal g left join lateral (
        select as_of from check_in where key_result_id = g.key_result_id and closed is null order by as_of desc limit 1) l on true
    where g.day - coalesce(l.as_of, g.start_on) > $3
    union all
    select 'too_many_key_results', source, 'objective', objective_id, title, key_results || ' key results under way; 2 to 5 are usual'
    from crowded where key_results > 5
    union all
    select 'single_key_result', source, 'objective', objective_id, title, 'one key result under way; 2 to 5 are usual'
    from crowded where key_results = 1
    union all
    select 'on_track_without_movement', g.source, 'key_result', g.key_result_id, g.title,
           r.check_ins || ' check-ins say on track in ' || r.days || case r.days when 1 then ' day' else ' days' end || ', and the value has not moved'
    from open_goal g cross join lateral (
        select count(*) as check_ins, count(distinct value) as values, max(as_of) - min(as_of) as days,
               bool_and(coalesce(status, '') = 'on_track') as on_track
        from check_in where key_result_id = g.key_result_id and closed is null and as_of > g.day - $4::int) r
    where r.on_track and r.values = 1 and r.check_ins > 1 and r.days >= $4::int - 7
    union all
    select warning, source, 'key_result', key_result_id, title,
           case check_ins when 1 then '1 check-in is of ' || first || ', ' || side
                else check_ins || ' check-ins are of days ' || side || ', the first of ' || first end
    from astray where check_ins > 0
    union all
    select 'ended_without_value', k.source, 'key_result', k.key_result_id, k.title,
           'it was due on ' || k.due_on || t.and_grace || ', and no check-in by then has a value: '
               || case when o.label_basis is null then 'it has no outcome'
                       else 'its outcome is of a value that was taken back; okr backfill etl decides anew' end
    from key_result k join today t using (source) left join outcome o on o.key_result_id = k.key_result_id and o.closed is null
    where t.ends_by_due and k.closed is null and k.due_on < t.day - t.grace_days and k.due_on >= t.day - $11::int
      and k.direction <> 'none' and k.target is not null
      and o.label_basis is distinct from 'source'
      and not exists (select from check_in c where c.key_result_id = k.key_result_id and c.closed is null and c.value is not null
                      and c.as_of <= k.due_on + t.grace_days)
    union all
    select 'baseline_is_target', source, 'key_result', key_result_id, title,
           'it is to ' || direction || ', and baseline and target are both ' || trim_scale(target) || ': its progress is 0 whatever its value'
    from open_goal where direction in ('increase', 'decrease') and baseline = target
    union all
    select 'wrong_direction', source, 'key_result', key_result_id, title,
           'it is to ' || replace(direction, '_', ' ') || ', but its target ' || trim_scale(target) || ' lies '
               || case direction when 'decrease' then 'above' else 'below' end || ' its baseline ' || trim_scale(baseline)
    from open_goal where direction in ('increase', 'stay_between') and target < baseline or direction = 'decrease' and target > baseline
    union all
    select 'contradicting_definitions', source, 'source', null, source,
           sum(r.ignored) || case sum(r.ignored) when 1 then ' time' else ' times' end || ' a row of its last file says something else of a goal or an outcome than a row above it, which counts'
    from batch_result r join said using (source, generation, position) join today t using (source)
    group by source having sum(r.ignored) > 0
    union all
    select a.reason, a.source, 'source', null, a.source, a.detail || ' (batch ' || r.batch_id || ')'
    from absent_decided a join today t using (source)
    join source_head h on h.source = a.source and h.generation = a.generation
    join batch_result r on r.source = a.source and r.generation = a.generation and r.position = a.position
    where a.reason is not null
    union all
    select 'cyclic_alignment', source, entity, start, titles, 'each contributes to the next, and the last to the first' from ring
    union all
    select 'pending_for_long', source, 'source', null, source,
           count(*) || ' row' || case count(*) when 1 then ' has' else 's have' end || ' waited for a parent for over ' || $8::int
               || case $8::int when 1 then ' day' else ' days' end || ', the first for ' || (array_agg(p.parent order by p.since, p.position, p.row_num))[1]
    from pending p join source_head using (source, generation) join today t using (source)
    where p.since < now() - make_interval(days => $8::int) group by source
    union all
    select 'unknown_status', source, 'check_in', (array_agg(check_in_id order by as_of desc))[1], status_raw,
           count(*) || ' check-in' || case count(*) when 1 then ' says' else 's say' end || ' so, the last of ' || max(as_of) || '; the mapping knows no such status'
    from check_in where closed is null and status is null and status_raw is not null and source = any($7::text[])
    group by source, status_raw
) found
where $5::text is null or warning = $5
order by source, warning, title, entity_id limit $6

-- name: decided
select position, on_day from due_decided where source = $1 and generation = $2

-- name: lock_head
select position from source_head where source = $1 and position = $2 and generation = $3 for update

-- name: ended
-- Key results after this id whose days of grace are over: of which none was decided, or of which something was said
-- since the position up to which all was decided, or whose days ended since that day. Each with its last value by then.
with said as (
    select case entity when 'key_result' then entity_id else (payload ->> 'key_result_id')::uuid end as key_result_id
    from entity_version
    where source = $1 and generation = $6 and position > $5 and position <= $7 and entity in ('key_result', 'check_in')
)
select k.key_result_id::text, k.source_id, k.direction, k.baseline::float8, k.target::float8, k.due_on, c.value::float8,
       c.status, c.batch_id, c.row_num, c.knowledge_time
from key_result k
join lateral (
    select value, status, batch_id, row_num, knowledge_time from check_in
    where key_result_id = k.key_result_id and closed is null and as_of <= k.due_on + $3::int and value is not null
    order by as_of desc, knowledge_time desc, check_in_id limit 1) c on true
where k.source = $1 and k.closed is null and k.due_on < $2::date - $3::int and k.key_result_id > $4
  and (k.due_on >= $9::date - $3::int
       or k.key_result_id in (select key_result_id from said)
       or not exists (select from outcome o where o.key_result_id = k.key_result_id and o.closed is null and o.label_basis = 'due'))
order by k.key_result_id limit $8

-- name: outcomes_told_so
-- Of these outcomes the versions of this basis, source or due; asked where the source had the rule of due dates at a time.
select v.entity_id::text, v.revision::bigint
from unnest(string_to_array($1, ' ')::uuid[]) as w (entity_id) join entity_version v using (entity_id)
where exists (select from due_decided where source = $2) and v.entity = 'outcome' and v.payload ->> 'label_basis' = $3

-- name: last_seq
select coalesce(max(seq), 0) from entity_version where source = $1 and generation = $2 and position = $3

-- name: put_due_outcomes
insert into outcome (outcome_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num, key_result_id,
    final_value, target, achieved, resolution, label_basis)
select outcome_id, source, source_id, revision, content_hash, knowledge_time, batch_id, row_num, key_result_id, final_value,
    target, achieved, resolution, label_basis
from json_populate_recordset(null::outcome, $1::json)
on conflict (outcome_id) do update set revision = excluded.revision, content_hash = excluded.content_hash,
    knowledge_time = excluded.knowledge_time, batch_id = excluded.batch_id, row_num = excluded.row_num,
    final_value = excluded.final_value, target = excluded.target, achieved = excluded.achieved,
    resolution = excluded.resolution, label_basis = excluded.label_basis, closed = null

-- name: add_unit_behind
insert into due_unit (source, generation, position, after_seq, versions, outcomes, closed) values ($1, $2, $3, $4, $5, $6, $7)

-- name: set_decided
insert into due_decided (source, generation, position, on_day) values ($1, $2, $3, $4)
on conflict (source) do update set generation = excluded.generation, position = excluded.position, on_day = excluded.on_day

-- name: take_decisions
-- $2: the outcomes that are decided in the replay, too. What was decided of them before stays, whatever comes behind it, and
-- was closed where the replay deletes the key result for the same file; so it does where that one opened again and is not decided
-- anew. It follows what the source itself said of them before
-- the first batch, under a mapping of then.
insert into replay_version (entity_id, number, source, entity, revision, held_from, content_hash, knowledge_time, batch_id, row_num, payload,
    closed, closed_in)
select v.entity_id, coalesce(s.number, 0) + row_number() over came, v.source, v.entity,
       coalesce(s.revision, 0) + row_number() over came, h.held_from, h.content_hash, v.knowledge_time, v.batch_id, v.row_num, v.payload,
       v.closed, v.closed_in
from entity_version v join held_version h using (entity_id, revision)
left join (select entity_id, max(number) as number, max(revision) as revision from replay_version where entity_id = any($2::uuid[])
           group by entity_id) s using (entity_id)
where v.source = $1 and v.entity = 'outcome' and v.payload ->> 'label_basis' = 'due'
  and (v.closed is null or exists (
      select from replay_version k where k.entity_id = (v.payload ->> 'key_result_id')::uuid and (k.closed, k.closed_in) = (v.closed, v.closed_in)))
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
  and (v.entity_id = any($2::uuid[]) or v.revision <= (
      select max(d.revision) from entity_version d join replay_version k on k.entity_id = (d.payload ->> 'key_result_id')::uuid
      where d.entity_id = v.entity_id and d.closed = 'absent_deleted' and (k.closed, k.closed_in) = (d.closed, d.closed_in)))
window came as (partition by v.entity_id order by v.revision)

-- name: went_with_its_goal
-- Of these outcomes those that the replay has closed with their key results.
select o.entity_id::text from (
    select distinct on (entity_id) entity_id, closed, payload from replay_version where entity_id = any($1::uuid[])
    and revision is not null order by entity_id, revision desc) o
cross join lateral (
    select closed from replay_version where entity_id = (o.payload ->> 'key_result_id')::uuid and revision is not null
    order by revision desc limit 1) k
where o.closed is not null and k.closed is not null

-- name: ended_in_replay
-- The same of what the replay says. What ended before its source's files had it no more, was decided then.
with newest as (
    select distinct on (entity_id) entity, entity_id, batch_id, row_num, payload, knowledge_time, closed
    from replay_version where source = $1 and revision is not null and entity in ('key_result', 'check_in')
    order by entity_id, revision desc
), goal as (
    select entity_id, payload, (payload ->> 'due_on')::date as due_on, closed from newest
    where entity = 'key_result'
      and (closed is null or (payload ->> 'due_on')::date < (knowledge_time at time zone 'UTC')::date - $3::int)
)
select distinct on (g.entity_id)
       g.entity_id::text, g.payload ->> 'source_id', g.payload ->> 'direction', (g.payload ->> 'baseline')::float8,
       (g.payload ->> 'target')::float8, g.due_on, (c.payload ->> 'value')::float8, c.payload ->> 'status', c.batch_id, c.row_num,
       c.knowledge_time
from goal g join newest c on c.entity = 'check_in' and (c.payload ->> 'key_result_id')::uuid = g.entity_id
    and (c.closed is null or g.closed is not null)
where g.due_on < $2::date - $3::int and (c.payload ->> 'as_of')::date <= g.due_on + $3::int and c.payload ->> 'value' is not null
order by g.entity_id, (c.payload ->> 'as_of')::date desc, c.knowledge_time desc, c.entity_id

-- name: keep_ended
-- Of these key results what they said before the batch's file, where they had ended by then; $5: the day it was, null where it
-- is that on which the file's first batch was first applied.
insert into replay_ended (source, entity_id, revision, position, on_day)
select $1, n.entity_id, n.revision, f.position, d.day
from (select least(min(position), $3) as position from said where source = $1 and generation = $2) f
cross join lateral (
    select coalesce($5::date, (min(applied_at) at time zone 'UTC')::date) as day
    from batch_result where source = $1 and position = f.position) d
cross join unnest($4::uuid[]) as w (entity_id)
cross join lateral (
    select * from replay_version v where v.entity_id = w.entity_id and v.revision is not null
      and v.batch_id not in (select batch_id from said where source = $1 and generation = $2)
    order by v.revision desc limit 1) n
where (n.payload ->> 'due_on')::date < d.day - $6::int
on conflict do nothing

-- name: seed_ended
-- The same of what was said before the first batch, of key results that are decided; $3: whether the source goes by its data.
-- Of batches from before anybody noted the clock, the day is that when what they said became known.
insert into replay_ended (source, entity_id, revision, position, on_day)
select $1, v.entity_id, v.revision, b.position, (case when $3 then coalesce(b.clock, n.knowledge_time) else b.applied_at end at time zone 'UTC')::date
from replay_version v join replay_version n on n.entity_id = v.entity_id and n.revision = v.revision + 1
join (select batch_id, position, min(applied_at) as applied_at, (array_agg(clock order by generation desc))[1] as clock
      from batch_result where source = $1 and position < $2 group by batch_id, position) b on b.batch_id = n.batch_id
where v.source = $1 and v.entity = 'key_result' and n.closed is null
  and exists (select from outcome o where o.key_result_id = v.entity_id and o.closed is null and o.label_basis = 'due')

-- name: ended_before_in_replay
-- The same of key results that said something else later, each with its last value from before that; but for those deleted then.
with place as (
    select batch_id, position from batch_result where source = $1 union select batch_id, position from replay_result where source = $1
), goal as (
    select e.entity_id, e.revision, e.position, r.payload, (r.payload ->> 'due_on')::date as due_on, r.closed
    from replay_ended e join replay_version r using (entity_id, revision)
    where e.source = $1 and (r.payload ->> 'due_on')::date
        < least(e.on_day, case when r.closed is not null then (r.knowledge_time at time zone 'UTC')::date end) - $2::int
      and not exists (select from replay_version d where d.entity_id = e.entity_id and d.revision >= e.revision and d.closed = 'absent_deleted')
), told as (
    select distinct on (g.entity_id, g.revision, c.entity_id) g.*, c.entity_id as check_in_id, c.payload as said, c.batch_id, c.row_num,
           c.knowledge_time, c.closed as gone
    from goal g join replay_version c on (c.payload ->> 'key_result_id')::uuid = g.entity_id
    join place p on p.batch_id = c.batch_id and p.position < g.position
    where c.source = $1 and c.entity = 'check_in' and c.revision is not null
    order by g.entity_id, g.revision, c.entity_id, c.revision desc
)
select distinct on (entity_id, revision)
       entity_id::text, payload ->> 'source_id', payload ->> 'direction', (payload ->> 'baseline')::float8,
       (payload ->> 'target')::float8, due_on, (said ->> 'value')::float8, said ->> 'status', batch_id, row_num, knowledge_time
from told
where (gone is null or closed is not null) and (said ->> 'as_of')::date <= due_on + $2::int and said ->> 'value' is not null
order by entity_id, revision, (said ->> 'as_of')::date desc, knowledge_time desc, check_in_id

-- name: close_decided
-- In a replay, what was decided of key results that were deleted.
insert into replay_version (entity_id, number, source, entity, revision, content_hash, knowledge_time, batch_id, row_num, payload,
    closed, closed_in)
select o.entity_id, o.top + 1, $1, 'outcome', o.revision + 1, '', greatest(o.knowledge_time, k.knowledge_time), o.batch_id, o.row_num,
       o.payload, k.closed, k.closed_in
from (
    select distinct on (entity_id) entity_id, max(number) over (partition by entity_id) as top, revision, knowledge_time, batch_id, row_num,
           payload, closed
    from replay_version where source = $1 and entity = 'outcome' and payload ->> 'label_basis' = 'due'
    order by entity_id, revision desc nulls last) o
join lateral (
    select closed, closed_in, knowledge_time from replay_version where entity_id = (o.payload ->> 'key_result_id')::uuid
      and revision is not null order by revision desc limit 1) k on k.closed = 'absent_deleted'
where o.closed is null

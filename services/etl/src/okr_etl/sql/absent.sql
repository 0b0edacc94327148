-- name: absent_decided
select position, reason from absent_decided where source = $1 and generation = $2

-- name: counted
-- Rejected of the batches of a file, $3 to $4; pending of those since $5.
select coalesce(sum(rejected) filter (where position >= $3), 0)::bigint as rejected, coalesce(sum(pending), 0)::bigint as pending
from batch_result where source = $1 and generation = $2 and position between least($3, $5) and $4

-- name: counted_in_replay
select coalesce(sum(rejected) filter (where position >= $3), 0)::bigint as rejected, coalesce(sum(pending), 0)::bigint as pending
from replay_result where source = $1 and generation = $2 and position between least($3, $5) and $4

-- name: spoken_in_part
-- The file's batches of which it is not known of what all their rows speak.
select position from said where source = $1 and generation = $2 and not (whole and spoken is not null) order by position

-- name: set_spoken
update said set spoken = $4 where source = $1 and generation = $2 and position = $3

-- name: is_unspoken
-- Whether any of these is open, and none of the rows that were read speaks of it.
select exists (
    select from unnest($3::uuid[]) as g (id)
    where (exists (select from key_result where key_result_id = g.id and closed is null)
           or exists (select from objective where objective_id = g.id and closed is null))
      and not exists (select from said s cross join unnest(s.spoken) as p (id)
                      where s.source = $1 and s.generation = $2 and p.id = g.id))

-- name: scratch_standing
-- What is held open, each with what it is a part of; and what of it is absent.
create temporary table standing (entity text not null, entity_id uuid primary key, part_of uuid) on commit drop

-- name: scratch_absent
create temporary table absent (like standing including all) on commit drop

-- name: find_standing
insert into standing
select 'objective', objective_id, null from objective where source = $1 and closed is null
union all
select 'key_result', key_result_id, objective_id from key_result where source = $1 and closed is null

-- name: find_standing_in_replay
insert into standing
select entity, entity_id, (payload ->> 'objective_id')::uuid from (
    select distinct on (entity_id) entity, entity_id, payload, closed from replay_version
    where source = $1 and revision is not null and entity in ('objective', 'key_result')
    order by entity_id, revision desc) newest
where closed is null

-- name: find_absent
-- Key results of which no row speaks; then objectives of which none does, and which have no other key result.
insert into absent
with spoken as materialized (
    select distinct p.id from said s cross join unnest(s.spoken) as p (id) where s.source = $1 and s.generation = $2
), unspoken as materialized (
    select s.* from standing s left join spoken p on p.id = s.entity_id where p.id is null
)
select * from unspoken where entity = 'key_result'
union all
select * from unspoken o where entity = 'objective' and not exists (
    select from standing k where k.part_of = o.entity_id and not exists (select from unspoken u where u.entity_id = k.entity_id))

-- name: count_absent
select (select count(*) from standing where entity = 'key_result') as open,
       count(*) filter (where entity = 'key_result') as key_results, count(*) filter (where entity = 'objective') as objectives
from absent

-- name: find_told
-- What was told of the key results.
insert into absent
select 'check_in', c.check_in_id, c.key_result_id from check_in c join absent a on a.entity_id = c.key_result_id where c.closed is null
union all
select 'outcome', o.outcome_id, o.key_result_id from outcome o join absent a on a.entity_id = o.key_result_id where o.closed is null

-- name: find_told_in_replay
insert into absent
select entity, entity_id, key_result_id from (
    select distinct on (entity_id) entity, entity_id, (payload ->> 'key_result_id')::uuid as key_result_id, closed
    from replay_version where source = $1 and revision is not null and entity in ('check_in', 'outcome')
    order by entity_id, revision desc) newest
where closed is null and key_result_id in (select entity_id from absent)

-- name: close_absent
-- $4: the last place there; $5: why, $6: in which batch, $7: when that became known. Returns how many there are.
with closing as (
    select a.entity, a.entity_id, v.revision + 1 as revision, greatest(v.knowledge_time, $7) as knowledge_time, v.batch_id,
           v.row_num, v.payload
    from absent a cross join lateral (
        select * from entity_version where entity_id = a.entity_id order by revision desc limit 1) v
), written as (
    insert into entity_version (source, generation, position, seq, entity, entity_id, revision, knowledge_time, batch_id, row_num, payload,
        closed, closed_in)
    select $1, $2, $3, $4::int + row_number() over (
               order by knowledge_time, array_position(array['objective', 'key_result', 'check_in', 'outcome'], entity),
                        payload ->> 'source_id' collate "C"),
           entity, entity_id, revision, knowledge_time, batch_id, row_num, payload, $5, $6
    from closing returning entity
)
select count(*) as versions, count(*) filter (where entity = 'outcome') as outcomes from written

-- name: close_current_absent
-- No content equals none: whatever is said of it again is news.
update {entity} e set closed = $1, revision = e.revision + 1, content_hash = '', knowledge_time = greatest(e.knowledge_time, $2)
from absent a where a.entity = '{entity}' and a.entity_id = e.{entity}_id

-- name: hold_absent
insert into held_version (entity_id, number, revision, content_hash, batch_id, row_num)
select h.entity_id, h.number + 1, v.revision, '', v.batch_id, v.row_num
from (select entity_id, max(number) as number from held_version join absent using (entity_id) group by entity_id) h
cross join lateral (
    select * from entity_version where entity_id = h.entity_id order by revision desc limit 1) v

-- name: mark_absent_documents
-- An objective's document lists its key results.
insert into document_due (entity_id, entity, source)
select entity_id, entity, $1 from absent where entity in ('objective', 'key_result')
union
select part_of, 'objective', $1 from absent where entity = 'key_result'
on conflict (entity_id) do update set revision = nextval('document_revision'), due_at = now()

-- name: mark_aligned_with_absent
-- Goals that contribute to one of them; asked before it is closed, since nothing contributes to what is.
insert into document_due (entity_id, entity, source)
select distinct child_id, child_entity, source from alignment
where source = $1 and parent_id in (select entity_id from absent)
on conflict (entity_id) do update set revision = nextval('document_revision'), due_at = now()

-- name: close_in_replay
-- $2: why, $3: in which batch, $4: when that became known.
insert into replay_version (entity_id, number, source, entity, revision, content_hash, knowledge_time, batch_id, row_num, payload,
    closed, closed_in)
select a.entity_id, (select max(number) from replay_version n where n.entity_id = a.entity_id) + 1, $1, a.entity, r.revision + 1, '',
       greatest(r.knowledge_time, $4), r.batch_id, r.row_num, r.payload, $2, $3
from absent a cross join lateral (
    select * from replay_version where entity_id = a.entity_id and revision is not null order by revision desc limit 1) r

-- name: set_absent_decided
insert into absent_decided (source, generation, position, reason, detail) values ($1, $2, $3, $4, $5)
on conflict (source, generation) do update set position = excluded.position, reason = excluded.reason, detail = excluded.detail,
    decided_at = now()

-- name: lock_replay
-- Only at this batch, in a replay that goes on under this mapping.
select position from replay where source = $1 and position = $2 and generation = $3 and mapping_hash = $4 and state = 'running'
for update

-- name: replays
select r.source, r.generation, r.first_position, r.position, r.mapping_hash, r.mapping_version, r.state, r.asked_at,
    h.position as head
from replay r join source_head h using (source) where $1::text is null or r.source = $1 order by r.asked_at, source

-- name: replay_head
select position, generation, clock, coming, unit, newest from replay where source = $1

-- name: replays_done
select source, generation, first_position, position, mapping_hash, versions, outcomes, withdrawn, closed, asked_at, finished_at
from replay_done where $1::text is null or source = $1 order by finished_at desc limit $2

-- name: ask_replay
-- A stopped one of the same batches goes on, of others it begins anew; a running one stays as it is.
insert into replay as r (source, first_position, mapping_version)
select source, $2, $3 from source_head where source = $1 and position >= $2
on conflict (source) do update set state = 'running', updated_at = now(), first_position = excluded.first_position,
    mapping_version = excluded.mapping_version,
    position = case when r.first_position = excluded.first_position then r.position end
where r.state = 'stopped'

-- name: stop_replay
update replay set state = 'stopped', updated_at = now() where source = $1 and state = 'running' returning source

-- name: first_rejected
select batch_id from rejected where source = $1 order by position limit 1

-- name: forget_replayed
with versions as (delete from replay_version where source = $1), ended as (delete from replay_ended where source = $1),
    results as (delete from replay_result where source = $1),
    said as (delete from said s using source_head h where s.source = $1 and h.source = $1 and s.generation <> h.generation),
    judged as (delete from absent_decided a using source_head h where a.source = $1 and h.source = $1 and a.generation <> h.generation),
    told as (delete from parent_said s using source_head h where s.source = $1 and h.source = $1 and s.generation <> h.generation),
    periods as (delete from period_said p using source_head h where p.source = $1 and h.source = $1 and p.generation <> h.generation),
    waited as (delete from waited w using source_head h where w.source = $1 and h.source = $1 and w.generation <> h.generation),
    waiting as (delete from pending p using source_head h where p.source = $1 and h.source = $1 and p.generation <> h.generation)
delete from replay_rejected where source = $1

-- name: begin_replay
-- $3 to $5: as it stood when somebody decided to begin; no row means that it was stopped, or taken on by somebody else.
update replay r set generation = h.generation + 1, position = r.first_position - 1, mapping_hash = $2, clock = null,
    coming = null, unit = null, newest = null, updated_at = now()
from source_head h where r.source = $1 and h.source = r.source and r.state = 'running'
    and (r.first_position, r.position, r.generation) is not distinct from ($3::bigint, $4::bigint, $5::int)
returning r.first_position

-- name: seed_replay
-- What holds before the first batch that is done again; what a file before it had no more is closed. But for what was decided
-- by due date: see take_decisions; and what rows say that a batch done again tells, since they waited for it.
with published as (
    select v.entity_id, v.entity, h.number, v.revision, h.held_from,
           case when v.closed is null then coalesce(nullif(h.content_hash, ''), c.content_hash) else '' end as content_hash,
           v.knowledge_time, v.batch_id, v.row_num, v.payload, v.closed, v.closed_in
    from entity_version v left join held_version h using (entity_id, revision)
    left join check_in c on c.check_in_id = v.entity_id and c.revision = v.revision
    where v.source = $1 and v.closed is distinct from 'replayed'
      and (v.entity <> 'outcome' or v.payload ->> 'label_basis' = 'source')
      and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
), kept as (
    select h.entity_id, e.entity, h.number, null::int, h.held_from, h.content_hash, h.held_from, h.batch_id, h.row_num, h.payload,
           null, null::bigint
    from held_version h join (select distinct entity_id, entity from published) e using (entity_id)
    where h.revision is null and h.payload ->> 'label_basis' is distinct from 'due'
), told_later as (
    select w.batch_id, r.row_num from waited w join source_head h using (source, generation) cross join lateral unnest(w.row_nums) r (row_num)
    where w.source = $1 and w.position < $2 and w.until_position >= $2
), earlier as (
    select s.* from (select * from published union all select * from kept) s
    where coalesce(s.closed_in, s.batch_id) in (select batch_id from batch_result where source = $1 and position < $2)
      and (s.closed_in is not null or (s.batch_id, s.row_num) not in (select batch_id, row_num from told_later))
)
insert into replay_version (entity_id, number, source, entity, revision, held_from, content_hash, knowledge_time, batch_id, row_num, payload,
    closed, closed_in)
select entity_id, row_number() over came, $1, entity, case when revision is not null then count(revision) over came end,
       held_from, content_hash, knowledge_time, batch_id, row_num, payload, closed, closed_in
from earlier window came as (partition by entity_id order by coalesce(number, revision) rows unbounded preceding)

-- name: unhashed
select entity_id::text, number, payload from replay_version where source = $1 and content_hash is null limit $2

-- name: hash_seeds
update replay_version r set content_hash = decode(h.content_hash, 'hex')
from unnest($1::uuid[], $2::bigint[], $3::text[]) as h (entity_id, number, content_hash)
where r.entity_id = h.entity_id and r.number = h.number

-- name: seed_clock
-- $2: when the batch before was ingested. Without a check-in before there is no clock yet.
update replay r set newest = s.newest, clock = least(s.newest, $2), coming = least(s.newest, $2)
from (select max((payload ->> 'as_of')::timestamp at time zone 'UTC') as newest
      from replay_version where source = $1 and entity = 'check_in') s
where r.source = $1 and s.newest is not null

-- name: advance_replay
-- The first statement of a batch's transaction: no row means that it was stopped, begun anew, or done by somebody else.
update replay set position = $2, updated_at = now()
where source = $1 and position = $2 - 1 and generation = $3 and mapping_hash = $4 and state = 'running'
returning clock, coming, unit, newest

-- name: set_replay
with noted as (
    update replay_result r set clock = $2 from replay p
    where p.source = $1 and (r.source, r.position, r.generation) = (p.source, p.position, p.generation))
update replay set clock = $2, coming = $3, unit = $4, newest = $5 where source = $1

-- name: held_in_replay
-- `offset 0` as in `held`.
select r.entity_id::text, r.held_from, r.number, r.revision, encode(r.content_hash, 'hex') as content_hash,
       r.batch_id in (select batch_id from said where source = $2 and generation = $3) as of_unit
from unnest(string_to_array($1, ' ')::uuid[]) as w (entity_id)
cross join lateral (select * from replay_version v where v.entity_id = w.entity_id offset 0) r

-- name: add_replay_result
insert into replay_result (source, position, generation, batch_id, mapping_hash, rows, new, changed, duplicate, unchanged,
    rejected, pending, versions, outcomes, ignored, replayed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, true)

-- name: lock_replayed
-- Only at the head, under the generation before, and as it stood when somebody decided on it ($2 to $4).
select h.position from source_head h join replay r using (source)
where h.source = $1 and h.generation = r.generation - 1 and h.position = r.position and r.state = 'running'
  and (r.position, r.generation, r.mapping_hash) = ($2, $3, $4) for update

-- name: scratch_chain
-- Of each entity its published versions by their place in time: what is said, beside what the replay says.
create temporary table chain (
    entity_id uuid not null, entity text not null, place bigint not null, said_revision int, is_said_anew boolean not null,
    is_same boolean not null, primary key (entity_id, place)
) on commit drop

-- name: scratch_change
-- The entities whose chains differ: from `begins` on the replay's versions are published; null: there are none.
create temporary table change (entity_id uuid primary key, entity text not null, begins bigint, top int not null) on commit drop

-- name: scratch_held
create temporary table said_to_hold (like held_version) on commit drop

-- name: find_chains
with said as (
    select v.entity_id, v.entity, v.revision, v.knowledge_time, v.payload::text as payload, v.closed,
           row_number() over (partition by v.entity_id order by v.revision) as place
    from entity_version v
    where v.source = $1 and v.closed is distinct from 'replayed'
      and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
), anew as (
    select entity_id, entity, knowledge_time, payload::text as payload, closed, revision as place
    from replay_version where source = $1 and revision is not null
)
insert into chain (entity_id, entity, place, said_revision, is_said_anew, is_same)
select entity_id, coalesce(s.entity, a.entity), place, s.revision, a.entity is not null,
       coalesce(s.payload = a.payload and s.knowledge_time = a.knowledge_time and s.closed is not distinct from a.closed, false)
from said s full join anew a using (entity_id, place)

-- name: find_changes
-- Where the replay's chain is the shorter one, its last version is told again: it holds now.
insert into change (entity_id, entity, begins, top)
select entity_id, min(entity), least(min(place) filter (where not is_same), max(place) filter (where is_said_anew)),
       coalesce((select max(v.revision) from entity_version v where v.entity_id = c.entity_id), 0)
from chain c group by entity_id having not bool_and(is_same) and bool_or(is_said_anew)
union all
select entity_id, min(entity), null, (select max(v.revision) from entity_version v where v.entity_id = c.entity_id)
from chain c group by entity_id having not bool_or(is_said_anew)

-- name: add_replayed_versions
with told as (
    select c.entity, r.entity_id, c.top + (r.revision - c.begins + 1)::int as revision, r.knowledge_time,
           r.batch_id, r.row_num, r.payload, r.closed, r.closed_in
    from change c join replay_version r using (entity_id) where r.revision >= c.begins
    union all
    select c.entity, c.entity_id, c.top + 1, v.knowledge_time, v.batch_id, v.row_num, v.payload, 'replayed', null
    from change c join entity_version v on v.entity_id = c.entity_id and v.revision = c.top where c.begins is null
), ordered as (
    -- what opens a goal again may have been known before it was closed; it follows all the same
    select *, max(knowledge_time) over (partition by entity_id order by revision) as told_at from told
)
insert into entity_version (source, position, seq, generation, entity, entity_id, revision, knowledge_time, batch_id, row_num, payload,
    closed, closed_in)
select $1, $2, row_number() over (
           order by told_at, array_position(array['objective', 'key_result', 'check_in', 'outcome'], entity),
                    payload ->> 'source_id' collate "C", revision),
       $3, entity, entity_id, revision, knowledge_time, batch_id, row_num, payload, closed, closed_in
from ordered

-- name: withdraw
insert into withdrawn (entity_id, revision, generation)
select ch.entity_id, ch.said_revision, $1 from chain ch join change c using (entity_id)
where ch.said_revision is not null and ch.place >= coalesce(c.begins, 1)

-- name: remove_current
delete from {entity} where {entity}_id in (select entity_id from change where entity = '{entity}' and begins is not null)

-- name: put_current
-- A row of the table's own type: whatever its columns are.
insert into {entity}
select p.* from (
    select distinct on (entity_id) r.*, c.top + (r.revision - c.begins + 1) as published
    from change c join replay_version r using (entity_id) where c.entity = '{entity}' and c.begins is not null and r.revision is not null
    order by entity_id, r.revision desc
) n cross join lateral json_populate_record(null::{entity}, ('{{"attributes": {{}}}}'::jsonb || n.payload::jsonb || jsonb_build_object(
    '{entity}_id', n.entity_id, 'source', n.source, 'revision', n.published, 'content_hash', n.content_hash,
    'knowledge_time', n.knowledge_time, 'batch_id', n.batch_id, 'row_num', n.row_num, 'closed', n.closed))::json) p

-- name: close_current
-- No content equals none: whatever is said of it again is news.
update {entity} e set closed = 'replayed', revision = c.top + 1, content_hash = ''
from change c where c.entity_id = e.{entity}_id and c.begins is null

-- name: find_held
insert into said_to_hold (entity_id, number, held_from, revision, content_hash, batch_id, row_num, payload)
select r.entity_id, r.number, r.held_from,
       case when r.revision >= c.begins then c.top + (r.revision - c.begins + 1) else ch.said_revision end,
       r.content_hash, r.batch_id, r.row_num, case when r.revision is null then r.payload end
from replay_version r left join chain ch on ch.entity_id = r.entity_id and ch.place = r.revision
left join change c on c.entity_id = r.entity_id
where r.source = $1
  and (r.held_from is not null or exists (select from replay_version o where o.entity_id = r.entity_id and o.held_from is not null))
union all
select c.entity_id, 1, null, c.top + 1, '', v.batch_id, v.row_num, null
from change c join entity_version v on v.entity_id = c.entity_id and v.revision = c.top
where c.begins is null and exists (select from held_version h where h.entity_id = c.entity_id)

-- name: remove_held
delete from held_version h
where h.entity_id in (select entity_id from chain) and not exists (
    select from said_to_hold s where s.entity_id = h.entity_id and s.number = h.number and s.held_from = h.held_from
      and s.revision is not distinct from h.revision and s.content_hash = h.content_hash)

-- name: put_held
insert into held_version (entity_id, number, held_from, revision, content_hash, batch_id, row_num, payload)
select entity_id, number, held_from, revision, content_hash, batch_id, row_num, payload from said_to_hold s where not exists (
    select from held_version h where h.entity_id = s.entity_id and h.number = s.number)

-- name: remove_definitions
delete from key_result_revision k using withdrawn w
where w.generation = $1 and w.entity_id = k.key_result_id and w.revision = k.revision

-- name: put_definitions
insert into key_result_revision (key_result_id, revision, valid_from, baseline, target, due_on)
select r.entity_id, c.top + (r.revision - c.begins + 1), r.held_from, (r.payload ->> 'baseline')::numeric,
       (r.payload ->> 'target')::numeric, (r.payload ->> 'due_on')::date
from change c join replay_version r using (entity_id)
where c.entity = 'key_result' and r.revision >= c.begins and r.closed is null

-- name: remove_rejected
-- Of the batches that were done again, and of those before in which rows waited.
delete from rejected where source = $1 and (position >= $2 or position in (select position from replay_result where source = $1))

-- name: put_rejected
insert into rejected (source, position, batch_id, row_num, reasons, detail, row_hash, unit)
select source, position, batch_id, row_num, reasons, detail, row_hash, unit from replay_rejected where source = $1

-- name: put_results
insert into batch_result (source, position, generation, batch_id, mapping_hash, rows, new, changed, duplicate, unchanged, rejected,
    pending, versions, outcomes, applied_at, replayed, ignored, clock)
select source, position, generation, batch_id, mapping_hash, rows, new, changed, duplicate, unchanged, rejected,
    pending, versions, outcomes, applied_at, replayed, ignored, clock
from replay_result where source = $1

-- name: mark_replayed_documents
-- A key result that moved is shown by its objective of before, too.
with told as (
    select v.entity, v.entity_id, v.payload from entity_version v join change c using (entity_id)
), goals as (
    select entity_id from told where entity = 'objective'
    union select (payload ->> 'objective_id')::uuid from told where entity = 'key_result'
), key_results as (
    select entity_id from told where entity = 'key_result'
    union select (payload ->> 'key_result_id')::uuid from told where entity in ('check_in', 'outcome')
    union select key_result_id from key_result k join told t on t.entity = 'objective' and t.entity_id = k.objective_id
)
insert into document_due (entity_id, entity, source)
select entity_id, 'objective', $1 from goals join objective on objective_id = entity_id
union all
select entity_id, 'key_result', $1 from key_results join key_result on key_result_id = entity_id
on conflict (entity_id) do update set revision = nextval('document_revision'), due_at = now()

-- name: finish_replay
with gone as (delete from replay where source = $1 returning *)
insert into replay_done (source, generation, first_position, position, batch_id, mapping_hash, versions, outcomes, withdrawn, closed, asked_at)
select g.source, g.generation, g.first_position, g.position,
       (select batch_id from batch_result b where b.source = g.source and b.position = g.position and b.generation = g.generation),
       g.mapping_hash, v.versions, v.outcomes, (select count(*) from withdrawn w where w.generation = g.generation and w.entity_id in (select entity_id from change)),
       v.closed, g.asked_at
from gone g cross join (
    select count(*) as versions, count(*) filter (where entity = 'outcome') as outcomes, count(closed) as closed
    from entity_version where source = $1 and generation = $2 and position = $3) v
returning source, generation, first_position, position, batch_id, mapping_hash, versions, outcomes, withdrawn, closed

-- name: replayed_head
-- What its batches say to the next file is not known: that one is read whole.
update source_head h set generation = r.generation, clock = r.clock, coming = r.coming, unit = r.unit, newest = r.newest,
    spoken = r.newest, mapping_hash = null, plain = false, whole = true, updated_at = now()
from replay r where h.source = $1 and r.source = h.source

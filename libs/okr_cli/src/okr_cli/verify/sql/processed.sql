-- name: heads
-- `told`: whether anything was published that asks for a prediction; all rows may be rejected, or left out.
select source, position, generation, exists (
    select from entity_version v where v.source = h.source and v.entity in ('key_result', 'check_in')) as told
from source_head h order by source

-- name: results
-- The newest result of each batch beside what is really there.
select distinct on (r.source, r.position)
       r.source, r.position, r.generation, r.batch_id, r.rows, r.new, r.changed, r.duplicate, r.unchanged, r.rejected, r.pending,
       r.versions, r.outcomes, r.applied_at, coalesce(j.rejected, 0) as found_rejected, coalesce(w.pending, 0) as found_pending
from batch_result r
left join (select source, position, count(*) as rejected from rejected group by source, position) j using (source, position)
left join (select source, p.position, count(*) as pending from pending p join source_head using (source, generation)
           group by source, p.position) w using (source, position)
order by r.source, r.position, r.generation desc

-- name: version_counts
-- Of each batch as it came, with what was decided behind it, and of each replay.
select r.source, r.position, r.generation, r.versions, r.outcomes, coalesce(v.versions, 0) as found_versions,
       coalesce(v.outcomes, 0) as found_outcomes
from (select source, position, generation, sum(versions)::bigint as versions, sum(outcomes)::bigint as outcomes from (
          select source, position, generation, versions, outcomes from batch_result where not replayed
          union all select source, position, generation, versions, outcomes from replay_done
          union all select source, position, generation, versions, outcomes from due_unit) each
      group by source, position, generation) r
left join (select source, position, generation, count(*) as versions, count(*) filter (where entity = 'outcome') as outcomes
           from entity_version group by source, position, generation) v using (source, position, generation)
order by r.source, r.position, r.generation

-- name: version_rows_by_result
-- Rows that made a version are the rows counted as new or changed, whichever batch brought the parent they waited for.
select r.source, r.position, r.generation, r.new + r.changed as counted, coalesce(v.rows, 0) as found
from batch_result r
left join (select source, batch_id, generation, count(distinct row_num) as rows
           from entity_version where closed is null and (entity <> 'outcome' or payload ->> 'label_basis' = 'source')
           group by source, batch_id, generation) v using (source, batch_id, generation)
where not r.replayed
order by r.source, r.position, r.generation

-- name: versions_without_result
select v.source, v.position, v.generation, count(*) as versions from entity_version v
where not exists (select from batch_result r where not r.replayed
                    and r.source = v.source and r.position = v.position and r.generation = v.generation)
  and not exists (select from replay_done d
                  where d.source = v.source and d.position = v.position and d.generation = v.generation)
group by v.source, v.position, v.generation

-- name: result_positions
select source, array_agg(distinct position order by position) as numbers from batch_result group by source

-- name: revisions_with_holes
select entity, entity_id, count(*) as versions, max(revision) as highest from entity_version
group by entity, entity_id having count(*) <> max(revision) or min(revision) <> 1

-- name: entities
select count(distinct entity_id) from entity_version

-- name: version_rows
select distinct batch_id, row_num from entity_version order by batch_id, row_num

-- name: versions
select v.source, v.position, v.seq, v.generation, v.entity, v.entity_id, v.revision, v.knowledge_time, v.batch_id, v.row_num, v.payload, v.closed
from entity_version v

-- name: keys
select 'objective' as entity, objective_id as entity_id, source, source_id from objective
union all select 'key_result', key_result_id, source, source_id from key_result
union all select 'check_in', check_in_id, source, source_id from check_in
union all select 'outcome', outcome_id, source, source_id from outcome

-- name: key_result_revisions
-- What a key result's revisions say beside its versions: both ways.
select coalesce(r.key_result_id, v.entity_id) as entity_id, coalesce(r.revision, v.revision) as revision,
       r.key_result_id is not null as is_there,
       v.entity_id is not null as is_version,
       r.baseline::float8 is not distinct from v.baseline and r.target::float8 is not distinct from v.target
           and r.due_on is not distinct from v.due_on as agrees
from key_result_revision r
full join (select entity_id, revision, (payload ->> 'baseline')::float8 as baseline, (payload ->> 'target')::float8 as target,
                  (payload ->> 'due_on')::date as due_on
           from entity_version v where entity = 'key_result' and closed is null
             and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)) v on v.entity_id = r.key_result_id and v.revision = r.revision

-- name: documented
select entity_id, entity, source, due from (
    select o.objective_id as entity_id, 'objective' as entity, o.source, d.entity_id is not null as due
    from objective o left join document_due d on d.entity_id = o.objective_id
    where o.closed is null or d.entity_id is not null
    union all
    select k.key_result_id, 'key_result', k.source, d.entity_id is not null
    from key_result k left join document_due d on d.entity_id = k.key_result_id
    where k.closed is null or d.entity_id is not null
) each order by entity_id

-- name: applied
-- What was told of: batches as they came, and replays.
select source, position, generation, batch_id, versions, applied_at, false as replayed from batch_result where not replayed
union all
select source, position, generation, batch_id, versions, finished_at, true from replay_done

-- name: decided
-- Units behind a batch's: outcomes by due date, or what an export has no more.
select source, position, generation, after_seq, decided_at, closed > 0 as absent from due_unit

-- name: to_predict
-- Each version that asks for a prediction: of a check-in, and of a definition.
select v.entity_id, v.revision, v.entity, v.source, v.generation, v.position, v.seq, w.generation as withdrawn_in
from entity_version v left join withdrawn w using (entity_id, revision)
where v.entity in ('check_in', 'key_result') and v.closed is null and v.source = any($1::text[]) order by v.entity_id, v.revision

-- name: outcome_versions
select v.entity_id, v.revision, (v.payload ->> 'final_value')::float8 as final_value, (v.payload ->> 'target')::float8 as target,
       case when v.payload ->> 'resolution' <> 'dropped' then (v.payload ->> 'achieved')::boolean end as achieved,
       (v.payload ->> 'key_result_id')::uuid as key_result_id
from entity_version v where v.entity = 'outcome' and v.closed is null and v.source = any($1::text[]) order by v.entity_id, v.revision

-- name: held_astray
-- What is held of an entity's versions, beside the versions: kept ones have no revision, published ones are versions.
-- One that closed something need not be held once the entity is open again.
select coalesce(h.entity_id, v.entity_id) as entity_id, coalesce(h.revision, v.revision) as revision,
       h.entity_id is not null as is_held, v.entity_id is not null as is_version
from (select entity_id, revision from held_version where revision is not null) h
full join (select entity_id, revision, closed from entity_version v
           where (v.entity <> 'check_in' or exists (select from held_version h where h.entity_id = v.entity_id))
             and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)) v
    using (entity_id, revision)
where (h.entity_id is null and v.closed is null) or v.entity_id is null

-- name: held_with_holes
-- What a check-in said before it had a time, and a replay withdrew, has no number: its first one may be a later one.
select entity_id, count(*) as versions, min(number) as lowest, max(number) as highest from held_version group by entity_id
having count(*) <> max(number) - min(number) + 1 or count(revision) <> count(distinct revision)

-- name: held
select count(*) from held_version

-- name: defined
select key_result_id from key_result where source = any($1::text[]) order by key_result_id

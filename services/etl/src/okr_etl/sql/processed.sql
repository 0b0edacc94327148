-- name: heads
select source, position, generation from source_head

-- name: begin_source
insert into source_head (source) values ($1) on conflict do nothing

-- name: head
select position, generation, clock, coming, unit, newest, spoken, mapping_hash, plain, whole from source_head where source = $1

-- name: advance
-- The first statement of a batch's transaction: no row means that somebody else applied it.
update source_head set position = $2, updated_at = now()
where source = $1 and position = $2 - 1 and generation = $3
returning clock, coming, unit, newest, spoken, mapping_hash, plain, whole

-- name: set_head
-- A replay from a later batch asks what time it was here.
with noted as (
    update batch_result r set clock = $2 from source_head h
    where h.source = $1 and (r.source, r.position, r.generation) = (h.source, h.position, h.generation))
update source_head set clock = $2, coming = $3, unit = $4, newest = $5, spoken = $6, mapping_hash = $7, plain = $8, whole = $9
where source = $1

-- name: said
select position, whole, statements from said where source = $1 and generation = $2 and position > $3 order by position

-- name: add_said
insert into said (source, generation, position, batch_id, whole, statements, spoken) values ($1, $2, $3, $4, $5, $6, $7::uuid[])

-- name: keep_sent_back
insert into sent_back (source, batch_id, row_num, by_batch_id, by_row_num) values ($1, $2, $3, $4, $5) on conflict do nothing

-- name: forget_said
delete from said where source = $1 and generation = $2

-- name: keep_mapping
-- Two replicas may come with one at the same time.
insert into mapping_version (source, version, hash, mapping)
select $1, coalesce(max(version), 0) + 1, $2, $3::json from mapping_version where source = $1
on conflict do nothing

-- name: mapping_versions
select version, hash, first_used_at from mapping_version where source = $1 order by version desc

-- name: mapping_of_version
select mapping from mapping_version where source = $1 and version = $2

-- name: version_of_mapping
select version from mapping_version where source = $1 and hash = $2

-- name: rejected_of
select batch_id, row_num from rejected where batch_id = any($1::bigint[]) limit $2

-- name: held
-- What is known of these entities, $4 being the check-ins among them; one without a time of its own has only its current
-- version. `offset 0`: each is looked up by itself, however many there are; else the tables are read whole, for every batch.
select h.entity_id::text, h.held_from, h.number, h.revision, encode(h.content_hash, 'hex') as content_hash,
       h.batch_id in (select batch_id from said where source = $2 and generation = $3) as of_unit
from unnest(string_to_array($1, ' ')::uuid[]) as w (entity_id)
cross join lateral (select * from held_version v where v.entity_id = w.entity_id offset 0) h
union all
select c.check_in_id::text, h.held_from, coalesce(h.number, c.revision),
       case when h.entity_id is null then c.revision else h.revision end,
       encode(coalesce(h.content_hash, c.content_hash), 'hex'),
       coalesce(h.batch_id, c.batch_id) in (select batch_id from said where source = $2 and generation = $3)
from unnest(string_to_array($4, ' ')::uuid[]) as w (entity_id)
cross join lateral (select * from check_in c where c.check_in_id = w.entity_id offset 0) c
left join lateral (select * from held_version v where v.entity_id = c.check_in_id offset 0) h on true

-- name: hold_from_now
-- Of check-ins that had no time until now, or were closed, all versions before; of these only the newest one's content is ever compared.
insert into held_version (entity_id, number, held_from, revision, content_hash, batch_id, row_num)
select v.entity_id, c.revision - count(*) over of_it + row_number() over (of_it order by v.revision), null, v.revision,
       case when v.revision = c.revision then c.content_hash else '' end, v.batch_id, v.row_num
from check_in c join entity_version v on v.entity_id = c.check_in_id
where c.check_in_id = any($1::uuid[]) and v.revision <= c.revision
  and not exists (select from withdrawn w where w.entity_id = v.entity_id and w.revision = v.revision)
  and not exists (select from held_version h where h.entity_id = v.entity_id)
window of_it as (partition by v.entity_id)

-- name: update_objective
update objective o set revision = n.revision, content_hash = n.content_hash, knowledge_time = n.knowledge_time,
    batch_id = n.batch_id, row_num = n.row_num, title = n.title, description = n.description, start_on = n.start_on,
    due_on = n.due_on, alignment = (n.alignment #>> '{}')::json, period = n.period, closed = null
from json_populate_recordset(null::objective, $1::json) n where o.objective_id = n.objective_id

-- name: update_key_result
update key_result k set revision = n.revision, content_hash = n.content_hash, knowledge_time = n.knowledge_time,
    batch_id = n.batch_id, row_num = n.row_num, objective_id = n.objective_id, title = n.title,
    description = n.description, metric_kind = n.metric_kind, direction = n.direction, inclusive = n.inclusive,
    unit = n.unit, baseline = n.baseline, target = n.target, start_on = n.start_on, due_on = n.due_on, due_known = n.due_known,
    owner = n.owner, attributes = (n.attributes #>> '{}')::json, alignment = (n.alignment #>> '{}')::json, closed = null
from json_populate_recordset(null::key_result, $1::json) n where k.key_result_id = n.key_result_id

-- name: update_check_in
update check_in c set revision = n.revision, content_hash = n.content_hash, knowledge_time = n.knowledge_time,
    batch_id = n.batch_id, row_num = n.row_num, key_result_id = n.key_result_id, as_of = n.as_of,
    recorded_at = n.recorded_at, value = n.value, target = n.target, progress = n.progress, status_raw = n.status_raw,
    status = n.status, confidence = n.confidence, comment = n.comment, closed = null
from json_populate_recordset(null::check_in, $1::json) n where c.check_in_id = n.check_in_id

-- name: update_outcome
update outcome o set revision = n.revision, content_hash = n.content_hash, knowledge_time = n.knowledge_time,
    batch_id = n.batch_id, row_num = n.row_num, key_result_id = n.key_result_id, final_value = n.final_value,
    target = n.target, achieved = n.achieved, resolution = n.resolution, label_basis = n.label_basis, closed = null
from json_populate_recordset(null::outcome, $1::json) n where o.outcome_id = n.outcome_id

-- name: add_result
insert into batch_result (source, position, generation, batch_id, mapping_hash, rows, new, changed, duplicate, unchanged,
    rejected, pending, versions, outcomes, ignored)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: count_outcomes
select count(*) from outcome where source = $1 and closed is null

-- name: mark_documents
-- $2, $3: objectives and key results of the source whose own text changed; $4: objectives whose change their key results show.
insert into document_due (entity_id, entity, source)
select id, 'objective', $1 from unnest(string_to_array($2, ' ')::uuid[]) as w (id)
union all
select id, 'key_result', $1 from unnest(string_to_array($3, ' ')::uuid[]) as w (id)
union all
select key_result_id, 'key_result', source from unnest(string_to_array($4, ' ')::uuid[]) as w (objective_id)
join key_result using (objective_id) where key_result_id not in (select unnest(string_to_array($3, ' ')::uuid[]))
on conflict (entity_id) do update set revision = nextval('document_revision'), due_at = now()

-- name: unit_records
-- For COPY: as text, the columns of store/records.py.
select seq, entity, entity_id, revision, knowledge_time at time zone 'UTC', batch_id, row_num, payload, to_json(closed)
from entity_version where source = $1 and position = $2 and generation = $3 and seq > $4 and ($5::int is null or seq <= $5)
order by seq limit $6

-- name: due_documents
-- The oldest due after $3, all of one source.
select entity_id, entity, source, revision from document_due
where revision > $3
    and source = (select source from document_due where source = any($1) and revision > $3 order by revision limit 1)
order by revision limit $2

-- name: document_objectives
select o.objective_id as entity_id, o.source, o.source_id, o.revision, o.title, o.description, o.start_on, o.due_on,
       coalesce(array_agg(k.title order by k.title, k.source_id) filter (where k.title is not null), '{}') as key_results,
       o.period,
       o.alignment ->> 'kind' as aligned_how, array(
           select coalesce(g.title, r.title) from alignment a left join objective g on g.objective_id = a.parent_id
           left join key_result r on r.key_result_id = a.parent_id
           where a.child_id = o.objective_id and not a.pending order by a.place) as aligned_to
from objective o left join key_result k on k.objective_id = o.objective_id and k.closed is null
where o.objective_id = any($1) and o.closed is null group by o.objective_id

-- name: document_key_results
-- The fields of KeyResult, in their order. `offset 0`, here and below: each is looked up by itself, however many there are;
-- else the tables are read whole.
select k.key_result_id::text, k.source, k.source_id, k.revision, k.title, k.description, k.objective_id::text,
       o.title as objective, k.metric_kind, k.direction, k.inclusive, k.unit, k.baseline::float8, k.target::float8,
       k.start_on, k.due_on, k.owner, k.attributes, k.due_known,
       k.alignment ->> 'kind' as aligned_how, case when k.alignment is null then '{}' else array(
           select coalesce(g.title, r.title) from alignment a left join objective g on g.objective_id = a.parent_id
           left join key_result r on r.key_result_id = a.parent_id
           where a.child_id = k.key_result_id and not a.pending and a.parent_id <> k.objective_id order by a.place
       ) end as aligned_to
from unnest($1::uuid[]) as w (id)
cross join lateral (select * from key_result where key_result_id = w.id and closed is null offset 0) k
join objective o using (objective_id)

-- name: document_check_ins
-- The key result, then the fields of CheckIn.
select w.id::text, as_of, value::float8, target::float8, progress, coalesce(status, status_raw) as status, comment
from unnest($1::uuid[]) as w (id)
cross join lateral (
    select * from check_in where key_result_id = w.id and closed is null order by as_of, check_in_id offset 0) c

-- name: document_outcomes
-- The key result, then the fields of Outcome.
select w.id::text, final_value::float8, target::float8, achieved, resolution, knowledge_time as known_at
from unnest($1::uuid[]) as w (id)
cross join lateral (select * from outcome where key_result_id = w.id and closed is null offset 0) o

-- name: written_documents
delete from document_due d using unnest(string_to_array($1, ' ')::uuid[], $2::bigint[]) as w (entity_id, revision)
where d.entity_id = w.entity_id and d.revision = w.revision

-- name: write_documents
-- Of this source. Returns how many changed. A lower revision never overwrites a higher one.
with incoming as (
    select i.*, $1 as source
    from unnest(string_to_array($2, ' ')::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bigint[])
        as i (entity_id, entity, text, meta, labels, content_hash, revision)
), differing as (
    select i.entity_id from incoming i left join document d using (entity_id)
    where d.entity_id is null or (d.content_hash <> i.content_hash and d.revision < i.revision)
), written as (
    insert into document as d (entity_id, entity, source, text, meta, labels, content_hash, version, revision)
    select entity_id, entity, source, text, meta::json, labels::json, content_hash, 1, revision from incoming
    on conflict (entity_id) do update set
        text = excluded.text, meta = excluded.meta, labels = excluded.labels, content_hash = excluded.content_hash,
        version = d.version + (d.content_hash <> excluded.content_hash)::int,
        changed_at = case when d.content_hash <> excluded.content_hash then now() else d.changed_at end,
        revision = excluded.revision
    where d.revision < excluded.revision
)
select count(*) from differing

-- name: remove_documents
-- Of what is no more; returns how many there were.
with removed as (
    delete from document d using unnest($1::uuid[], $2::bigint[]) as g (entity_id, revision)
    where d.entity_id = g.entity_id and d.revision < g.revision returning d.entity_id
) select count(*) from removed

-- name: list_documents
select entity_id, entity, source, text, meta, labels, version, changed_at from document
where ($1::text is null or source = $1) and ($2::text is null or entity = $2) and ($3::uuid is null or entity_id > $3)
order by entity_id limit $4

-- name: document
select entity_id, entity, source, text, meta, labels, version, changed_at from document where entity_id = $1

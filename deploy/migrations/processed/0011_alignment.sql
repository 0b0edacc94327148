-- What goals contribute to, and the periods they stand in; both are said by the mappings of few sources.
alter table objective
    add column alignment json,                        -- key, parents (keys), kind, weight, as in the payload
    add column period text;
alter table key_result add column alignment json;
create index objective_aligned on objective (source, (alignment ->> 'key')) where alignment is not null;
create index key_result_aligned on key_result (source, (alignment ->> 'key')) where alignment is not null;

-- Each edge as it is now. The parent is found by its key, so one that comes late, or is called otherwise, is there at once;
-- until then the edge is pending. Of an objective and a key result of one key it is the objective.
create view alignment as
with goal as not materialized (
    select source, 'objective' as entity, objective_id as entity_id, alignment, 1 as rank from objective
    where alignment is not null and closed is null
    union all
    select source, 'key_result', key_result_id, alignment, 2 from key_result where alignment is not null and closed is null
)
select c.source, c.entity as child_entity, c.entity_id as child_id, e.place::int as place, e.key as parent_key,
       p.entity as parent_entity, p.entity_id as parent_id, c.alignment ->> 'kind' as kind,
       (c.alignment ->> 'weight')::float8 as weight, p.entity_id is null as pending
from goal c cross join lateral json_array_elements_text(c.alignment -> 'parents') with ordinality as e (key, place)
left join lateral (
    select p.entity, p.entity_id from goal p
    where p.source = c.source and p.alignment ->> 'key' = e.key and p.entity_id <> c.entity_id
    order by p.rank, p.entity_id limit 1) p on true;

create table period (
    period_id uuid primary key,
    source    text not null,
    source_id text not null,
    label     text not null,
    kind      text not null check (kind in ('quarter', 'half', 'year', 'other')),
    start_on  date,
    end_on    date,
    check (start_on <= end_on)
);

-- What was known at a time: of each entity its newest version among those that were applied by then. Later batches, however
-- old what they tell, never change the answer. Closed entities are not there.
create function known_at(moment timestamptz)
returns table (
    source text, entity text, entity_id uuid, revision int, knowledge_time timestamptz, batch_id bigint, row_num bigint, payload json
)
language sql stable as $$
    with applied as (
        select r.source, r.generation, r.position from batch_result r where not r.replayed and r.applied_at <= moment
        union all
        select d.source, d.generation, d.position from replay_done d where d.finished_at <= moment
    ), decided_later as (
        select u.source, u.generation, u.position, min(u.after_seq) as after_seq
        from due_unit u where u.decided_at > moment group by u.source, u.generation, u.position
    )
    select n.source, n.entity, n.entity_id, n.revision, n.knowledge_time, n.batch_id, n.row_num, n.payload
    from (
        select distinct on (v.entity_id) v.*
        from entity_version v
        join applied a on a.source = v.source and a.generation = v.generation and a.position = v.position
        left join decided_later l on l.source = v.source and l.generation = v.generation and l.position = v.position
        where l.after_seq is null or v.seq <= l.after_seq
        order by v.entity_id, v.revision desc
    ) n
    where n.closed is null
$$;

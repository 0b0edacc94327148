-- name: applied_from
-- Of each source the first position that was applied since.
select source, min(position) as position from batch_result where applied_at >= $1 group by source

-- name: released_from
select source, min(position) as position from batch where position is not null and released_at >= $1 group by source

-- name: reconciled_batches
-- A revert's batch refers to the rows of an older one.
select b.source, b.position, b.batch_id, b.rows,
       (select count(*) from raw_row r where r.batch_id = coalesce(b.rows_of, b.batch_id)) as found_rows
from unnest($1::text[], $2::bigint[]) as f (source, first) join batch b on b.source = f.source and b.position >= f.first

-- name: reconciled_results
-- The newest result of each batch. At its position stand the versions of the batch as it came, of replays that ended
-- there, and of what was decided behind it.
with newest as (
    select distinct on (r.source, r.position) r.*, h.generation as newest_generation
    from unnest($1::text[], $2::bigint[]) as f (source, first)
    join source_head h on h.source = f.source
    join batch_result r on r.source = f.source and r.position >= f.first
    order by r.source, r.position, r.generation desc
), told as (
    select source, position, versions from batch_result where not replayed
    union all select source, position, versions from replay_done
    union all select source, position, versions from due_unit
)
select n.source, n.position, n.batch_id, n.rows, n.new + n.changed + n.duplicate + n.unchanged + n.rejected + n.pending as counted,
       n.rejected,
       (select count(*) from rejected j where j.source = n.source and j.position = n.position) as found_rejected,
       (select coalesce(sum(t.versions), 0)::bigint from told t where t.source = n.source and t.position = n.position) as versions,
       (select count(*) from generate_series(1, n.newest_generation) as g (number) join entity_version v
            on v.source = n.source and v.generation = g.number and v.position = n.position) as found_versions
from newest n

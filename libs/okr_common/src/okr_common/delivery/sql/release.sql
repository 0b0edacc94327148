-- name: add_source
insert into source (name) values ($1) on conflict (name) do nothing

-- name: lock_source
-- One claim or release at a time per source: sequences and positions are dense.
select from source where name = $1 for update

-- name: release
with drawn as (
    update source set next_position = next_position + cardinality($2::bigint[]) where name = $1
    returning next_position - cardinality($2::bigint[]) as first
)
update batch set position = drawn.first + wanted.place - 1, released_at = now()
from drawn, unnest($2::bigint[]) with ordinality as wanted (batch_id, place)
where batch.batch_id = wanted.batch_id
returning batch.batch_id, batch.file_id, batch.request, batch.rows, batch.position

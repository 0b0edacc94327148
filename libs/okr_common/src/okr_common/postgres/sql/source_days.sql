-- name: source_days
-- On okr_processed. Batches applied before mappings were kept tell no clock: there it is the data's.
select h.source, coalesce(m.mapping ->> 'clock', 'data') = 'data' as by_data, greatest(h.clock, h.coming)::date as newest
from source_head h
left join lateral (
    select mapping_hash from batch_result r where r.source = h.source order by position desc, generation desc limit 1) r on true
left join mapping_version m on m.source = h.source and m.hash = r.mapping_hash
where m.mapping ->> 'clock' = 'wall' or h.clock is not null or h.coming is not null

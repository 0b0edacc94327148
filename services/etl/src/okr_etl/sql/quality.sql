-- name: quality_counts
-- Of each batch its newest generation.
select source, count(*) as batches, sum(rows)::bigint as rows, sum(new)::bigint as new, sum(changed)::bigint as changed,
       sum(duplicate)::bigint as duplicate, sum(unchanged)::bigint as unchanged, sum(rejected)::bigint as rejected,
       sum(pending)::bigint as pending, max(applied_at) as applied_at
from (select distinct on (source, position) * from batch_result order by source, position, generation desc) r
group by source order by source

-- name: quality_reasons
select source, reason, count(*) as rows from rejected cross join unnest(reasons) as reason
group by source, reason order by source, rows desc, reason

-- name: list_rejected
select source, position, batch_id, row_num, reasons, detail from rejected
where ($1::text is null or source = $1)
  and ($2::text is null or exists (select from unnest(reasons) as r where r = $2 or r like $2 || ':%'))
order by source, position desc, row_num limit $3 offset $4

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
-- A row that each export repeats once, where it came last; `exports` tells in how many files, or requests, it came. Of rows
-- with the same cells in one file the first is the same as the first of another file, the second as the second. `sent_back`: the
-- batch in which it, or the same one later, came back mended; such a row is told only with all others.
with wanted as (
    select *, coalesce(row_hash, int8send(position) || int8send(row_num)) as same from rejected
    where ($1::text is null or source = $1)
      and ($2::text is null or exists (select from unnest(reasons) as r where r = $2 or r like $2 || ':%'))
), copies as (
    select *, row_number() over (partition by source, same, coalesce(unit, batch_id::text) order by position, row_num) as copy from wanted
), told as (
    select c.*, count(*) over of_it as exports, row_number() over latest_first as age, max(b.by_batch_id) over latest_first as sent_back
    from copies c left join (select source, batch_id, row_num, max(by_batch_id) as by_batch_id from sent_back group by 1, 2, 3) b
        using (source, batch_id, row_num)
    window of_it as (partition by source, same, copy), latest_first as (partition by source, same, copy order by position desc)
)
select source, position, batch_id, row_num, reasons, detail, exports, sent_back from told
where age = 1 and sent_back is null or $5::boolean
order by source, position desc, row_num limit $3 offset $4

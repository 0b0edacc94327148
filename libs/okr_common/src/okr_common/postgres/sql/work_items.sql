-- name: request_items
-- One open item for each subject; what this run has had done already is not asked for again.
insert into work_item (pipeline, kind, subject, run_id)
select $1, $2, wanted.subject, $4
from unnest($3::text[]) as wanted (subject)
where not exists (
    select from work_item item
    where item.pipeline = $1 and item.kind = $2 and item.subject = wanted.subject
      and item.run_id is not distinct from $4 and item.run_id is not null and item.state = 'done'
)
on conflict do nothing

-- name: open_items
select * from work_item where pipeline = $1 and state = 'open' and ($2::text is null or subject = $2) order by item_id

-- name: close_item
update work_item set state = $2, result = $3, ended_at = clock_timestamp() where item_id = $1 and state = 'open'

-- name: items_of_run
select distinct on (kind, subject) * from work_item
where run_id = $1 and kind = $2 order by kind, subject, item_id desc

-- name: claimed_since
-- What became of the files claimed since a run began.
select coalesce(json_agg(json_build_object('path', path, 'source', source, 'state', state, 'reason', reason, 'rows', rows,
    'unreadable', unreadable) order by file_id), '[]')
from file where discovered_at >= $1

-- name: unfinished_ids
select file_id from file where state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: still_unfinished
select count(*) from file where file_id = any($1::bigint[]) and state not in ('done', 'quarantined', 'failed', 'vanished')

-- name: loaded_since
-- Files whose last row came in since a run began.
select count(*) as files, coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(unreadable), 0)::bigint as unreadable,
    coalesce(sum(batches), 0)::bigint as batches
from file where state = 'done' and changed_at >= $1

-- name: set_aside_since
-- What was cleaned out of the files that changed since a run began, by reason.
select u.reason, count(*) as records
from file f join batch b using (file_id) join unreadable u using (batch_id)
where f.changed_at >= $1 group by u.reason

-- name: found_since
-- What validation found in the files that changed since a run began, by kind.
select kind, severity, count(*) as files from file_finding join file using (file_id) where changed_at >= $1 group by kind, severity

-- name: to_clean_since
-- Cells of those files that cleaning will change, by rule; the raw cells stay as they were.
select rule.key as rule, sum(cells.value::bigint)::bigint as cells
from file f join batch b using (file_id), json_each(b.profile -> 'cleaned') as rule, json_each_text(rule.value) as cells
where f.changed_at >= $1 group by rule.key

-- name: sources_now
select s.name as source, s.next_position - 1 as position, count(f.file_id) as files, coalesce(sum(f.rows), 0)::bigint as rows,
    coalesce(sum(f.unreadable), 0)::bigint as unreadable
from source s left join file f on f.source = s.name and f.state = 'done'
group by s.name order by s.name

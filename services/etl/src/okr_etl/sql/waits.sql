-- name: waits
select source, position, reason, detail, since from source_wait where work = $1 order by source

-- name: put_wait
insert into source_wait as w (source, work, position, reason, detail) values ($1, $2, $3, $4, $5)
on conflict (source, work) do update set position = $3, reason = $4, detail = $5,
    since = case when (w.reason, w.detail) = ($4, $5) then w.since else now() end
returning since

-- name: clear_wait
delete from source_wait where source = $1 and work = $2

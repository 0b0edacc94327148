-- name: followed
-- What became of these paths, and of these files: the file each is now, or why it was left alone. The batches of a
-- quarantined file wait for somebody, not for time.
with asked as (
    select path, reason as seen_as, file_id from sighting where path = any($1::text[])
    union all
    select path, null, file_id from file where file_id = any($2::bigint[])
)
select a.path, a.seen_as, f.file_id, f.source, f.state, f.reason, f.detail, f.bytes, f.next_byte, f.rows, f.unreadable,
       f.discovered_at, coalesce(b.batches, '{}') as batches, coalesce(b.unreleased, 0) as unreleased
from asked a
left join file f using (file_id)
left join lateral (select array_agg(batch_id order by number) as batches, count(*) filter (where position is null) as unreleased
                   from batch where batch.file_id = f.file_id and f.state <> 'quarantined') b on true

-- name: applied
select count(*) as batches, coalesce(sum(rows), 0)::bigint as rows from batch_result where not replayed and batch_id = any($1::bigint[])

-- name: to_predict
-- Versions of these batches' own rows that ask for a prediction: not of rows before that waited for one of theirs, nor of
-- what they close.
select count(*) from batch_result r join entity_version v using (source, position, generation)
where not r.replayed and r.batch_id = any($1::bigint[]) and v.batch_id = any($1::bigint[]) and v.closed is null
  and v.entity in ('check_in', 'key_result')

-- name: outcomes_made
-- The same of outcomes: those that are decided with these batches may be told of check-ins that came long before.
select count(*) from batch_result r join entity_version v using (source, position, generation)
where not r.replayed and r.batch_id = any($1::bigint[]) and v.batch_id = any($1::bigint[]) and v.closed is null and v.entity = 'outcome'

-- name: waiting_rows
select source, count(*) as rows from pending join source_head using (source, generation) where batch_id = any($1::bigint[])
group by source order by source

-- name: held_sources
select source, reason, detail from source_wait where source = any($1::text[]) and work = 'batches' order by source

-- name: outcomes_heard
select count(*) from outcome_heard where batch_id = any($1::bigint[])

-- name: predicted
select count(*) from prediction where batch_id = any($1::bigint[]) and kind in ('live', 'late')

-- name: unsent
select count(*) from delivery.outbox where sent_at is null

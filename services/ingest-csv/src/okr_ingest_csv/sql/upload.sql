-- name: fate
-- What became of an uploaded path.
select s.file_id, s.reason as seen_as, s.detail as seen_detail, f.source, f.state, f.reason, f.detail
from sighting s left join file f using (file_id) where s.path = $1

-- name: needless_copies
-- Uploads that hold what their source's file, under another path, was read from to its end.
select s.path from sighting s join file f using (file_id)
where s.reason = 'same_bytes' and f.state = 'done' and f.path <> s.path and starts_with(s.path, $1)

-- name: unsight
delete from sighting where path = $1

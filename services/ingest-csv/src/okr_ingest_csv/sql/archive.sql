-- name: archivable
-- Paths whose files were read to their end, a page of them.
select s.path, s.size, s.mtime_ns, s.inode, f.file_id, f.source, f.sha256
from sighting s join file f using (file_id)
where f.state = 'done' and s.path > $1 order by s.path limit 500

-- name: archived
-- The path stands free again: what comes to it next is looked at as if nothing had been there.
with put as (update file set archived_as = coalesce(archived_as, $2) where file_id = $1)
delete from sighting where path = $3 and size = $4 and mtime_ns = $5 and inode = $6

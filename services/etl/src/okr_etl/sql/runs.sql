-- name: applied_since
-- What became of the rows applied since a run began.
select count(*) as batches, coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(new), 0)::bigint as new,
       coalesce(sum(changed), 0)::bigint as changed, coalesce(sum(duplicate), 0)::bigint as duplicate,
       coalesce(sum(unchanged), 0)::bigint as unchanged, coalesce(sum(rejected), 0)::bigint as rejected,
       coalesce(sum(pending), 0)::bigint as pending
from batch_result where not replayed and applied_at >= $1

-- name: decided_since
-- Versions of outcomes that were decided by due date since a run began; entities that were closed since a full export has them
-- no more; files of which nobody could tell what they lack.
select coalesce(sum(outcomes) filter (where closed = 0), 0)::bigint as outcomes_decided, coalesce(sum(closed), 0)::bigint as absent_closed,
       (select count(*) from absent_decided where reason is not null and decided_at >= $1) as absent_undecided
from due_unit where decided_at >= $1

-- name: due_now
select count(*) as documents, coalesce(max(revision), 0) as revision from document_due

-- name: still_due
select count(*) from document_due where revision <= $1

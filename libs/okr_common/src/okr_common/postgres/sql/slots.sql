-- name: newest_slot
select max(logical_time) from slot where pipeline = $1

-- name: claim_slot
-- Only one replica's insert succeeds.
insert into slot (pipeline, logical_time, state, reason, claimed_by)
values ($1, $2, $3, $4, $5)
on conflict (pipeline, logical_time) do nothing
returning logical_time

-- name: give_slot_its_run
update slot set run_id = $3 where pipeline = $1 and logical_time = $2

-- name: newest_run_of_schedule
-- The newest slot that became a run at all, whatever became of the run.
select run.* from slot join run using (run_id) where slot.pipeline = $1 order by slot.logical_time desc limit 1

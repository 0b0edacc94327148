-- name: request_run
-- The same request again is the same row.
insert into run (run_id, pipeline, logical_time, trigger, state, reason, parameters, ended_at)
values ($1, $2, $3, $4, $5, $6, $7, case when $5 = 'skipped' then clock_timestamp() end)
on conflict (run_id) do nothing
returning run_id

-- name: lock_pipeline
-- One decision at a time about what a pipeline does next.
select pg_advisory_xact_lock(hashtextextended('okr_run/' || $1, 0)), clock_timestamp() as now

-- name: unfinished_runs
select * from run where pipeline = $1 and state in ('requested', 'waiting', 'running') order by requested_at

-- name: take_run
-- Each taking raises the epoch: what the former holder writes then matches no row.
update run set
    state = 'running',
    holder = $2,
    epoch = epoch + 1,
    expires_at = clock_timestamp() + $3::interval,
    started_at = coalesce(started_at, clock_timestamp())
where run_id = $1 and state in ('requested', 'running')
returning *

-- name: renew_lease
update run set expires_at = clock_timestamp() + $3::interval where run_id = $1 and epoch = $2 and state = 'running'

-- name: release_run
-- Handed back before it ended: the next holder need not wait for the lease to expire.
update run set expires_at = clock_timestamp(), holder = null where run_id = $1 and epoch = $2 and state = 'running'

-- name: end_open_attempts
-- Attempts that somebody began and nobody will end: their holder died, or stops.
update run_step set state = $3, ended_at = clock_timestamp(), detail = $4
where run_id = $1 and state = 'running' and exists (select from run where run_id = $1 and epoch = $2 for update)
returning step, number, attempt

-- name: start_step
with mine as (select run_id from run where run_id = $1 and epoch = $2 and state = 'running' for update)
insert into run_step (run_id, step, number, attempt, state, started_at)
select run_id, $3, $4, $5, 'running', clock_timestamp() from mine

-- name: end_step
with mine as (select run_id from run where run_id = $1 and epoch = $2 and state = 'running' for update)
insert into run_step as known (run_id, step, number, attempt, state, detail, started_at, ended_at)
select run_id, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp() from mine
on conflict (run_id, step, attempt) do update set state = $6, detail = $7, ended_at = clock_timestamp()

-- name: end_run
with ended as (
    update run set state = $3, reason = $4, ended_at = clock_timestamp(), expires_at = null
    where run_id = $1 and epoch = $2 and state = 'running'
    returning run_id
), closed as (
    update slot set state = 'done', reason = $4 from ended where slot.run_id = ended.run_id
)
select run_id from ended

-- name: release_waiting
-- What a run waited for is there: it may be taken; `needs` says by which run it was satisfied.
update run set state = 'requested', reason = null, parameters = (parameters::jsonb || $2::jsonb)::json
where run_id = $1 and state = 'waiting'

-- name: give_up_waiting
with ended as (
    update run set state = 'skipped', reason = $2, ended_at = clock_timestamp()
    where run_id = $1 and state = 'waiting'
    returning run_id
), closed as (
    update slot set state = 'skipped', reason = $2 from ended where slot.run_id = ended.run_id
)
select run_id from ended

-- name: get_run
select * from run where run_id = $1

-- name: list_runs
select * from run
where ($1::text is null or pipeline = $1) and ($2::text is null or state = $2)
order by logical_time desc, requested_at desc
limit $3

-- name: runs_between
select * from run where pipeline = $1 and logical_time >= $2 and logical_time < $3

-- name: steps_of_run
select * from run_step where run_id = $1 order by number, attempt

-- name: newest_good_run
select * from run where pipeline = $1 and state in ('succeeded', 'degraded') order by logical_time desc limit 1

-- name: runs_beginning_with
select run_id from run where starts_with(run_id::text, $1) limit 3

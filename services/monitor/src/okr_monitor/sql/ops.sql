-- name: newest_ended_runs
-- Of each pipeline: what the next good run makes up for.
select distinct on (pipeline) run_id::text, pipeline, state, reason
from run where state in ('succeeded', 'degraded', 'failed', 'skipped')
order by pipeline, ended_at desc nulls last, requested_at desc

-- name: refused_checkpoints
-- The newest of each model within a day; older ones as long as another version answers than the registry names.
select distinct on (c.model) c.model, c.served as refused, c.serves, c.reason
from model_change c
left join checkpoint p on p.model = c.model
left join model_version v on v.model = c.model and v.alias = 'champion'
where c.kind = 'recovered' and (c.made_at > now() - interval '1 day' or p.version <> v.version)
order by c.model, c.change_id desc

-- name: write_report
insert into report (run_id, kind, logical_time, verdict, content) values ($1, $2, $3, $4, $5)
on conflict (run_id, kind) do update set verdict = $4, content = $5, made_at = now()
returning report_id, xmax = 0 as is_new

-- name: reports_of_run
select kind, content from report where run_id = $1

-- name: list_reports
select report_id, run_id, kind, logical_time, verdict, made_at, case when $3 then content end as content
from report where ($1::text is null or kind = $1) order by report_id desc limit $2

-- name: get_report
select report_id, run_id, kind, logical_time, verdict, made_at, content from report where report_id = $1

-- name: newest_report
select report_id, run_id, kind, logical_time, verdict, made_at, content
from report where kind = $1 order by report_id desc limit 1

-- name: lock_open_alerts
select rule, subject from alert where state = 'open' order by alert_id for update

-- name: raise_alert
insert into alert (rule, subject, severity, text, detail) values ($1, $2, $3, $4, $5)
on conflict (rule, subject) where state = 'open' do nothing
returning alert_id

-- name: keep_alert
update alert set seen_at = now(), severity = $3, text = $4, detail = $5
where rule = $1 and subject = $2 and state = 'open'

-- name: resolve_alert
update alert set state = 'resolved', resolved_at = now()
where rule = $1 and subject = $2 and state = 'open'
returning alert_id

-- name: list_alerts
-- Open ones first, the newest first among each.
select alert_id, rule, subject, state, severity, text, detail, raised_at, seen_at, resolved_at
from alert where ($1::text is null or state = $1) and ($2::text is null or rule = $2)
order by state, coalesce(resolved_at, raised_at) desc, alert_id desc limit $3

-- name: newest_runs
select run_id, pipeline, trigger, logical_time, state, reason, started_at, ended_at,
    (select count(distinct step) from run_step where run_step.run_id = run.run_id and run_step.state <> 'running') as steps
from run order by requested_at desc, pipeline limit $1

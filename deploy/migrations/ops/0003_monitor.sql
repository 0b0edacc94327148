-- What the monitor found: a report for each step of its runs, and alerts, each open until its cause is gone.
create table report (
    report_id    bigint generated always as identity primary key,
    run_id       uuid        not null references run,
    kind         text        not null check (kind in ('model_performance', 'data_quality', 'system_health', 'detect_drift', 'generate_alerts')),
    logical_time timestamptz not null,
    verdict      text        not null check (verdict in ('ok', 'unknown', 'attention', 'bad')),
    content      json        not null,
    made_at      timestamptz not null default now(),
    unique (run_id, kind)                             -- a step that is attempted again writes the same report
);
create index report_newest on report (kind, report_id desc);

create table alert (
    alert_id    bigint generated always as identity primary key,
    rule        text        not null,
    subject     text        not null,                 -- what it is about: a service, a group, a pipeline, a source, a model's feature
    state       text        not null default 'open' check (state in ('open', 'resolved')),
    severity    text        not null check (severity in ('warning', 'critical')),
    text        text        not null,                 -- one sentence for people: what is wrong, and where to look
    detail      json        not null default '{}',
    raised_at   timestamptz not null default now(),
    seen_at     timestamptz not null default now(),   -- when its cause was seen last
    resolved_at timestamptz,
    check ((state = 'resolved') = (resolved_at is not null))
);
create unique index alert_open on alert (rule, subject) where state = 'open';

-- Design §7: every slot ends as a row, every run has steps.
create table run (
    run_id       uuid primary key,
    pipeline     text        not null,
    logical_time timestamptz not null,
    trigger      text        not null check (trigger in ('cron', 'rest', 'cli', 'catch_up', 'dependency')),
    state        text        not null check (state in ('requested', 'waiting', 'running', 'succeeded', 'degraded', 'failed', 'skipped', 'cancelled')),
    reason       text,
    parameters   json        not null default '{}',
    requested_at timestamptz not null default now(),
    started_at   timestamptz,
    ended_at     timestamptz,
    holder       text,                                -- the lease: who executes it
    epoch        bigint      not null default 0,      -- the fencing token
    expires_at   timestamptz
);
create index run_unfinished on run (pipeline, requested_at) where state in ('requested', 'waiting', 'running');
create index run_latest on run (pipeline, logical_time desc);

create table run_step (
    run_id     uuid        not null references run,
    step       text        not null,
    number     int         not null,
    attempt    int         not null,
    state      text        not null check (state in ('running', 'succeeded', 'failed', 'skipped')),
    detail     json        not null default '{}',
    started_at timestamptz not null default now(),
    ended_at   timestamptz,
    primary key (run_id, step, attempt)
);

create table slot (
    pipeline     text        not null,
    logical_time timestamptz not null,
    state        text        not null check (state in ('claimed', 'done', 'skipped', 'missed')),
    reason       text,
    run_id       uuid references run,
    claimed_by   text        not null,
    claimed_at   timestamptz not null default now(),
    primary key (pipeline, logical_time)
);

-- A run never writes a source or a model itself: their owner does, between two batches.
create table work_item (
    item_id      bigint generated always as identity primary key,
    pipeline     text        not null,
    kind         text        not null,
    subject      text        not null,                -- the source or the model
    run_id       uuid references run,
    state        text        not null default 'open' check (state in ('open', 'done', 'failed')),
    result       json        not null default '{}',
    requested_at timestamptz not null default now(),
    ended_at     timestamptz
);
create unique index work_item_open on work_item (pipeline, kind, subject, coalesce(run_id, '00000000-0000-0000-0000-000000000000')) where state = 'open';

-- Design §5.1: how far an API source has been read. One request is one pass over all pages of an endpoint; its rows and
-- its cursor move in one transaction, so a crash goes on at the cursor.
create table api_request (
    request    text primary key,                      -- made of source and run: a run that is taken up again has the same
    source     text        not null references source,
    run_id     uuid        not null,
    state      text        not null default 'fetching' check (state in ('fetching', 'done', 'failed')),
    cursor     text,                                  -- asks for the next page; null: the first one
    not_before timestamptz,                           -- the API wants to be left alone until then
    pages      int         not null default 0,
    batches    int         not null default 0,
    rows       bigint      not null default 0,        -- stored as new or changed
    unchanged  bigint      not null default 0,        -- as they were when last seen: not stored again
    unreadable bigint      not null default 0,
    rewinds    int         not null default 0,        -- how often it began anew because the API had forgotten the cursor
    reason     text,                                  -- a code of docs/reason-codes.md
    detail     text,
    started_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    ended_at   timestamptz
);
create unique index api_request_fetching on api_request (source) where state = 'fetching';
create index api_request_latest on api_request (source, started_at desc);
create index api_request_run on api_request (run_id);

-- What an object looked like when it was last seen, so that a pass stores only what is news.
create table api_object (
    source    text   not null,
    object_id text   not null,
    row_hash  bytea  not null,
    batch_id  bigint not null,                        -- where it was last stored
    row_num   bigint not null,
    primary key (source, object_id)
);

comment on column raw_row.first_line is 'of an API: the page of the request, 1..';
comment on column raw_row.last_line is 'of an API: the page of the request, 1..';
comment on column raw_row.byte_start is 'of an API: the place among the records of the page, 0..';
comment on column raw_row.byte_len is 'of an API: the length of cells';

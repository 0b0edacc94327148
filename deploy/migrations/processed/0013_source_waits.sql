-- Why the batches of a source, or its replay, cannot go on: written by the replica that owns the source when it changes, so
-- that every replica can tell. A row goes when the work goes on.
create table source_wait (
    source   text        not null,
    work     text        not null check (work in ('batches', 'replay')),
    position bigint,                                  -- of the batch that waits
    reason   text        not null,                    -- a code of docs/reason-codes.md
    detail   text        not null,
    since    timestamptz not null default now(),
    primary key (source, work)
);

-- Design §4, okr_raw: lossless. What a file or a response held, row by row, as read.
create table source (
    name          text primary key,
    next_sequence bigint not null default 1,          -- of files, drawn when one is claimed
    next_position bigint not null default 1           -- of batches, drawn when one is released
);

create table file (
    file_id          bigint generated always as identity primary key,
    source           text        not null references source,
    sequence         bigint      not null,
    path             text        not null,
    sha256           bytea       not null,
    bytes            bigint      not null,
    modified_at      timestamptz not null,
    state            text        not null check (state in ('discovered', 'waiting', 'validating', 'loading', 'quarantined', 'done', 'failed', 'vanished')),
    reason           text,                            -- a code of docs/reason-codes.md
    detail           text,
    encoding         text,
    encoding_guessed boolean     not null default false,
    delimiter        text,
    header           json,
    revert_of        bigint references file,          -- these bytes came before, as that file
    rows             bigint      not null default 0,
    unreadable       bigint      not null default 0,
    batches          int         not null default 0,
    next_byte        bigint      not null default 0,  -- where reading resumes
    next_line        bigint      not null default 1,
    discovered_at    timestamptz not null,
    changed_at       timestamptz not null default now(),
    unique (source, sequence)
);
create index file_unfinished on file (source, sequence) where state not in ('done', 'quarantined', 'failed', 'vanished');
create index file_content on file (source, sha256);

-- What a path held when it was last looked at, so that a sweep need not read it again.
create table sighting (
    path     text primary key,
    size     bigint      not null,
    mtime_ns bigint      not null,
    inode    bigint      not null,
    file_id  bigint references file,                  -- null: left alone
    reason   text,
    seen_at  timestamptz not null default now()
);

create table batch (
    batch_id    bigint generated always as identity primary key,
    source      text        not null references source,
    file_id     bigint references file,               -- null: from an API
    request     text,                                 -- an API request's id; null: from a file
    number      int         not null,                 -- 1.. within the file or request
    first_row   bigint      not null,
    rows        bigint      not null,
    unreadable  bigint      not null default 0,
    rows_of     bigint references batch,              -- a revert's batch refers to the rows of an older one
    position    bigint,                               -- dense per source; null: not released
    created_at  timestamptz not null default now(),
    released_at timestamptz,
    unique (source, position),
    unique (file_id, number),
    unique (source, request, number),
    check (num_nonnulls(file_id, request) = 1)
);
create index batch_unreleased on batch (source, batch_id) where position is null;

create table raw_row (
    batch_id   bigint  not null,
    row_num    bigint  not null,                      -- 1.. within the file or request, the header not counted
    cells      json    not null,                      -- of a file: array of text as read; of an API: the object
    first_line bigint  not null,
    last_line  bigint  not null,
    byte_start bigint  not null,
    byte_len   bigint  not null,
    row_hash   bytea   not null,                      -- blake2b-128 of cells
    repaired   boolean not null default false,
    primary key (batch_id, row_num)
);

create table unreadable (
    batch_id   bigint not null references batch,
    number     int    not null,                       -- 1.. within the batch
    first_line bigint not null,
    last_line  bigint not null,
    byte_start bigint not null,
    byte_len   bigint not null,
    reason     text   not null,
    detail     text   not null,
    raw        bytea  not null,
    primary key (batch_id, number)
);

-- A replay says anew, with today's mapping, what a source's batches say from one of them on (ADR 0008). It is made beside
-- what is published, batch by batch; at the head the two are compared, and only differences are written and published.
alter table entity_version
    drop constraint entity_version_pkey,
    add primary key (source, generation, position, seq),
    add column closed text;                           -- why the entity is no more; the payload is its last one
alter table objective add column closed text;         -- the same, while it is so
alter table key_result add column closed text;
alter table check_in add column closed text;
alter table outcome add column closed text;
alter table held_version alter column held_from drop not null;  -- null: of a closed one, which anything follows
alter table batch_result add column replayed boolean not null default false;  -- its versions are the replay's

-- Versions that their source's later generation does not say any more.
create table withdrawn (
    entity_id  uuid not null,
    revision   int  not null,
    generation int  not null,                         -- that one
    primary key (entity_id, revision)
);

create table replay (
    source         text primary key,
    first_position bigint      not null,              -- the first batch that is done again
    position       bigint,                            -- the last that was; null: it has not begun
    generation     int,                               -- the one it makes
    mapping_hash   text,
    clock          timestamptz,                       -- these four as in source_head, at this position
    coming         timestamptz,
    unit           text,
    newest         timestamptz,
    state          text        not null default 'running' check (state in ('running', 'stopped')),
    asked_at       timestamptz not null default now(),
    updated_at     timestamptz not null default now()
);

create table replay_done (
    source         text        not null,
    generation     int         not null,
    first_position bigint      not null,
    position       bigint      not null,              -- the head, where its versions stand
    batch_id       bigint      not null,              -- of that position
    mapping_hash   text        not null,
    versions       bigint      not null,
    outcomes       bigint      not null,              -- of them outcomes
    withdrawn      bigint      not null,
    closed         bigint      not null,              -- entities that nothing says any more
    asked_at       timestamptz not null,
    finished_at    timestamptz not null default now(),
    primary key (source, generation)
);

-- What the new generation says so far: all versions of each entity, those of earlier batches included.
create table replay_version (
    entity_id      uuid        not null,
    number         bigint      not null,              -- 1.. as they came
    source         text        not null,
    entity         text        not null,
    revision       bigint,                            -- 1.. of those to publish; null: older than the current one
    held_from      timestamptz,
    content_hash   bytea,                             -- null: known from its payload only
    knowledge_time timestamptz not null,
    batch_id       bigint      not null,
    row_num        bigint      not null,
    payload        json        not null,
    primary key (entity_id, number)
);
create index replay_version_source on replay_version (source);
create table replay_rejected (like rejected including all);
create table replay_result (like batch_result including all);

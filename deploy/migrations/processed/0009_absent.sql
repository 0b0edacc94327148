-- What a full export has no more (`absent` of a mapping): decided where a file is applied wholly, and told as a unit of its
-- own behind the last batch's (ADR 0009).
alter table said add column spoken uuid[];            -- objectives and key results of the rows read; null: not asked for
alter table entity_version add column closed_in bigint;  -- the last batch of the file that has it no more
alter table replay_version
    add column closed    text,                        -- these two as in entity_version
    add column closed_in bigint;
alter table due_unit
    add column outcomes bigint not null default 0,    -- versions of outcomes
    add column closed   bigint not null default 0;    -- entities that were absent; 0: all versions were decided by due date
update due_unit set outcomes = versions;

-- Of each source its last file that was judged. A replay has its own row until it holds.
create table absent_decided (
    source     text        not null,
    generation int         not null,
    position   bigint      not null,                  -- of the file's last batch
    reason     text check (reason in ('absent_undecided', 'absent_beyond_share')),  -- why nothing was closed; null: decided
    detail     text,
    decided_at timestamptz not null default now(),
    primary key (source, generation)
);

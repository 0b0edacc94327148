-- Every mapping that was used, so that a replay can go back to one, and anybody can see what made a version.
create table mapping_version (
    source        text        not null,
    version       int         not null,               -- 1.. in the order they were first used
    hash          text        not null,
    mapping       json        not null,
    first_used_at timestamptz not null default now(),
    primary key (source, version),
    unique (source, hash)
);
alter table replay add column mapping_version int;    -- null: today's

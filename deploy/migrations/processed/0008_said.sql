-- What the batches of the file being applied said without leaving another trace, so that of rows that contradict each other
-- the first one counts, wherever the file is cut. It goes when the source's next file begins.
create table said (
    source     text    not null,
    generation int     not null,
    position   bigint  not null,
    batch_id   bigint  not null,
    whole      boolean not null,                      -- all rows of the batch were read, not only its news
    statements bytea   not null,                      -- hashes of 8 bytes, little-endian
    primary key (source, generation, position)
);
alter table batch_result add column ignored bigint not null default 0;  -- definitions, outcomes that contradict earlier rows
alter table replay_result add column ignored bigint not null default 0;

-- Rows that waited for a parent beyond their own file: a replay that begins between the two has them wait again, and what they
-- told then is none of what was said before it.
create table waited (
    source         text          not null,
    generation     int           not null,
    position       bigint        not null,            -- of the batch they came with
    until_position bigint        not null,            -- of the batch that told them
    batch_id       bigint        not null,
    row_nums       bigint[]      not null,
    parents        text[]        not null,            -- for which they waited, in the order of row_nums; so is since
    since          timestamptz[] not null,
    new            bigint        not null,            -- what they were counted as
    changed        bigint        not null,
    duplicate      bigint        not null,
    unchanged      bigint        not null,
    rejected       bigint        not null,
    ignored        bigint        not null,
    primary key (source, generation, position, until_position)
);

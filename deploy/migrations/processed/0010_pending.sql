-- Trees (`rows.parent`): what rows say to those below them, for the batches that come later, and the rows that wait for one.
-- Both by generation: a replay makes its own, and the former one's go when it holds.
create table parent_said (
    source     text   not null,
    generation int    not null,
    key        text   not null,                       -- by which the row is known
    position   bigint not null,                       -- of the batch that said it first; the newest counts
    unit       text   not null,                       -- the last file, or request, that said so
    above      text,                                  -- the key of its own parent
    columns    json   not null,                       -- the texts that others have from it
    primary key (source, generation, key, position)
);

create table pending (
    source     text        not null,
    generation int         not null,
    position   bigint      not null,
    batch_id   bigint      not null,
    row_num    bigint      not null,
    parent     text        not null,                  -- the key that has not come
    since      timestamptz not null default now(),
    primary key (source, generation, position, row_num)
);
create index pending_parent on pending (source, generation, parent);

-- Outcomes by due date (`outcome: due`): decided after a file was applied wholly, or a day has passed, as units of their
-- own behind the last batch's.
create table due_decided (
    source     text   primary key,
    generation int    not null,
    position   bigint not null,                       -- up to here all that was said is decided
    on_day     date   not null                        -- of the source's clock
);
create table due_unit (
    source     text        not null,
    generation int         not null,
    position   bigint      not null,                  -- of the last batch before
    after_seq  int         not null,                  -- its versions follow this one
    versions   bigint      not null,
    decided_at timestamptz not null default now(),
    primary key (source, generation, position, after_seq)
);
create index key_result_due on key_result (source, due_on);

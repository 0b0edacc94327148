-- What an API has no more, where the source's mapping asks for it (`absent`): judged when a request has come to its last page.
alter table api_object
    add column request text,                          -- that saw it last; null: not asked for then
    add column gone    boolean not null default false;  -- the newest whole request had it no more

-- Rows that are said no more since the batch at this position: their object is gone, or says something else.
create table api_gone (
    source   text   not null,
    batch_id bigint not null,
    row_num  bigint not null,
    position bigint not null,
    primary key (batch_id, row_num)
);

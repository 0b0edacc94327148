-- What a model counts under a key that key results have in common (an owner, an objective, a word, a day they are due).
create table tally (
    model    text not null,
    key      text not null,
    open     int  not null,                           -- open key results that stand there
    outcomes int  not null,                           -- outcomes of those that ended under it, and of them achieved
    achieved int  not null,
    primary key (model, key)
) with (fillfactor = 60); -- rewritten with each definition and outcome: room for it on the same page

alter table checkpoint add column recent double precision[] not null default '{0,0,0,0}';
comment on column checkpoint.recent is 'of about the last 50 outcomes, and of the last 500: how many, and of them achieved';

-- What key results said of themselves until a batch of the replay, or one before it, said otherwise. Where they had ended by
-- then, they were decided, and that stands.
create table replay_ended (
    source     text   not null,
    entity_id  uuid   not null,
    revision   bigint not null,                       -- in replay_version: the last one before
    position   bigint not null,                       -- of the first batch of the file that said otherwise
    on_day     date   not null,                       -- of the source's clock, when that file came
    primary key (entity_id, revision)
);
create index replay_ended_source on replay_ended (source);
-- What time it was in the source when the batch's file came; null: it had no clock, or nobody noted it yet.
alter table batch_result add column clock timestamptz;
alter table replay_result add column clock timestamptz;

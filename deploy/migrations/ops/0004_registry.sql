-- Gates: what a version was judged by before it might serve, and every change of what serves.
alter table model_version add column verdict json;                  -- null: version 0, and what was made before there were gates
alter table model_version add column heard bigint not null default 0; -- outcome_heard.heard_seq of the last outcome it has learned, or might have

-- The order in which a model heard its outcomes: what a version taken up again has still to learn comes after its `heard`.
alter table outcome_heard add column heard_seq bigint generated always as identity;
create index outcome_heard_order on outcome_heard (model, heard_seq);
update model_version v set heard = coalesce(
    (select max(o.heard_seq) from outcome_heard o where o.model = v.model and o.heard_at <= v.made_at), 0);

create table model_change (
    change_id     bigint generated always as identity primary key,
    model         text        not null references model,
    kind          text        not null check (kind in ('registered', 'promoted', 'rolled_back', 'recovered')),
    version       int         not null,               -- what it is about: the version that was registered, or that serves now
    served        int         not null,               -- the version that served until then
    serves        int         not null,               -- and the one that serves from then on
    made_by       text        not null check (made_by in ('gates', 'person', 'recovery')),
    reason        text        not null,
    learned_again bigint      not null default 0,     -- rows that the version had missed and has learned with this change
    state_digest  text,                               -- of the model that serves from then on; null: version 0
    made_at       timestamptz not null default now()
);
create index model_change_newest on model_change (model, change_id desc);

-- The trainer's daily run reports, too.
alter table report drop constraint report_kind_check;
alter table report add constraint report_kind_check check (kind in
    ('model_performance', 'data_quality', 'system_health', 'detect_drift', 'generate_alerts', 'model_daily'));

-- Design §8: models, what they know of each key result, and every prediction. One writer per model: the owner of its partition.
create table model (
    model      text primary key,
    sources    text[]      not null,
    created_at timestamptz not null default now()
);

-- The registry. Version 0 is the linear-pace rule: it needs no training, so it answers first.
create table model_version (
    model         text        not null references model,
    version       int         not null,
    alias         text check (alias in ('champion', 'challenger', 'previous')),
    training      int         not null,               -- the training replay it began with; 0: none
    pipeline      text        not null,
    made_at       timestamptz not null default now(),
    cut           json        not null default '{}',  -- per source: generation, position, seq of the last version replayed
    since         timestamptz,                        -- knowledge time of the first and the last version replayed
    until         timestamptz,
    check_ins     bigint      not null default 0,
    outcomes      bigint      not null default 0,
    learned       bigint      not null default 0,     -- rows learned
    metrics       json        not null default '{}',  -- of the replay, beside the baselines
    reference     json        not null default '{}',  -- per feature: cuts and shares in training, to measure drift against
    contract_hash text        not null,
    libraries     json        not null,
    state_digest  text,
    sha256        text,
    checkpoint    bytea,
    primary key (model, version)
);
create unique index model_version_champion on model_version (model) where alias = 'champion';

-- Where a model stands: moves in the transaction of the offset and of the predictions. `state` changes only when it learned.
create table checkpoint (
    model         text primary key references model,
    version       int         not null,
    training      int         not null,
    marks         json        not null,               -- per source: generation, position, seq heard last; clock: newest as_of
    outcomes      bigint      not null,               -- the base rate: outcomes known, and of them achieved
    achieved      bigint      not null,
    watermark     timestamptz,                        -- knowledge time of the newest outcome applied
    learned       bigint      not null,
    contract_hash text        not null,
    libraries     json        not null,
    state_digest  text,
    sha256        text,
    state         bytea,                              -- null: version 0
    updated_at    timestamptz not null default now()
);

create table key_result_state (
    model          text not null,
    key_result_id  uuid not null,
    source         text not null,
    key_result     text not null,                     -- its natural key
    due_on         date not null,
    open           boolean not null,                  -- no outcome yet
    state          json not null,
    prediction_id  uuid,                              -- the newest that was not late
    risk           text,
    probability    double precision,
    primary key (model, key_result_id)
) with (fillfactor = 60); -- rewritten at each check-in: room for it on the same page
create index key_result_state_at_risk on key_result_state (risk, due_on) where open and risk is not null;

-- How earlier key results of the same series ended.
create table track_record (
    model    text not null,
    series   text not null,
    outcomes int  not null,
    achieved int  not null,
    last     boolean,
    margin   double precision not null,
    primary key (model, series)
);

-- Every outcome heard. The first of a key result scores its predictions; a later one takes effect at the next replay.
create table outcome_heard (
    model          text        not null,
    outcome_id     uuid        not null,
    revision       int         not null,
    key_result_id  uuid        not null,
    achieved       boolean,                           -- null: dropped
    final_value    double precision not null,
    target         double precision not null,
    knowledge_time timestamptz not null,
    superseding    boolean     not null,
    learned        int         not null,              -- rows learned from it
    batch_id       bigint      not null,
    row_num        bigint      not null,
    heard_at       timestamptz not null default now(),
    primary key (model, outcome_id, revision)
);
create index outcome_heard_key_result on outcome_heard (key_result_id) where not superseding;

-- One row per version of a check-in or definition and model (live or late), and one more per training replay.
create sequence prediction_unit;
create table prediction (
    prediction_id  uuid             primary key,      -- of model, stream or replay, entity id and revision: a repeat is recognised
    unit           bigint,                            -- published as record `place` of this unit; null: not published
    place          int,
    model          text             not null,
    model_version  int              not null,
    training       int              not null,         -- the replay this version descends from; learnable while it is the model's
    kind           text             not null check (kind in ('live', 'late', 'aged', 'replay')),
    source         text             not null,
    key_result_id  uuid             not null,
    key_result     text             not null,
    check_in_id    uuid,                              -- null: at the definition
    revision       int              not null,         -- of the check-in, else of the key result
    seq            int              not null,         -- rises per key result
    knowledge_time timestamptz      not null,
    due_on         date             not null,
    elapsed        real             not null,         -- share of the period over
    value          double precision,
    target         double precision,
    forecast       double precision,
    features       json,                              -- null: nobody can judge it, `reasons` say why; then no probability either
    raw            double precision,                  -- log-odds before calibration; null: version 0
    probability    double precision,
    risk           text,
    reasons        json             not null,
    baselines      json             not null,
    batch_id       bigint           not null,
    row_num        bigint           not null,
    made_at        timestamptz      not null,
    learned_seq    bigint,                            -- its number in the order of learning
    check ((unit is null) = (place is null)),
    check (unit is null or probability is not null)
) with (fillfactor = 95);
create unique index prediction_published on prediction (unit, place) where unit is not null;
create index prediction_key_result on prediction (key_result_id);

-- What a run, or an event, asks an owner to do.
alter table work_item add column parameters json not null default '{}';

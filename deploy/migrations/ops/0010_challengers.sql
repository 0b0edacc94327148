-- Challengers: other pipelines that learn in the shadow of the one that serves, each row when that one learns it.
alter table prediction add column learned_before bigint;
comment on column prediction.learned_before is
    'rows the model had learned when it said this; null: the pace rule said it, or it was made before this column was there';

create table challenger (
    model         text        not null references model,
    pipeline      text        not null,
    training      int         not null,               -- whose order of learning it follows: that of the training that serves
    learned       bigint      not null,               -- so many rows of that order
    heard         bigint      not null,               -- outcome_heard.heard_seq of the last outcome it has learned, or might have
    unit          bigint      not null,               -- the last unit of predictions of which it has said what it would have said
    waits         text,                               -- why it cannot go on until another training serves; null: it goes on
    seconds       double precision not null default 0,-- processor seconds it has taken, since it began with this training
    contract_hash text        not null,
    libraries     json        not null,
    state_digest  text        not null,
    sha256        text        not null,
    state         bytea       not null,
    updated_at    timestamptz not null default now(),
    primary key (model, pipeline)
);

-- What a challenger would have said where the model that served said a row of `prediction`. Published nowhere.
create table shadow_prediction (
    model         text   not null,
    prediction_id uuid   not null,
    pipeline      text   not null,
    training      int    not null,
    raw           double precision not null,          -- log-odds before calibration
    probability   double precision,                   -- null: another training's model made the row, so nothing is judged by it
    primary key (prediction_id, pipeline, training)
);

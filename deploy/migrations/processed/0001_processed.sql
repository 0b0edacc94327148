-- Design §4, okr_processed: the canonical model. entity_version is what was published; the other tables are its current state.
create table source_head (
    source     text primary key,
    position   bigint      not null default 0,        -- the last batch applied
    generation int         not null default 1,
    clock      timestamptz,                           -- newest as_of of the applied batches (clock: data)
    updated_at timestamptz not null default now()
);

create table batch_result (
    source       text        not null,
    position     bigint      not null,
    generation   int         not null,
    batch_id     bigint      not null,
    mapping_hash text        not null,
    rows         bigint      not null,
    new          bigint      not null,
    changed      bigint      not null,
    duplicate    bigint      not null,
    unchanged    bigint      not null,
    rejected     bigint      not null,
    pending      bigint      not null,
    versions     bigint      not null,                -- entity versions written
    outcomes     bigint      not null,                -- of them outcomes
    applied_at   timestamptz not null default now(),
    primary key (source, position, generation),
    check (rows = new + changed + duplicate + unchanged + rejected + pending)
);

create table entity_version (
    source         text        not null,
    position       bigint      not null,
    seq            int         not null,              -- 1.. within the batch, in knowledge-time order
    generation     int         not null,
    entity         text        not null check (entity in ('objective', 'key_result', 'check_in', 'outcome')),
    entity_id      uuid        not null,
    revision       int         not null,
    knowledge_time timestamptz not null,
    batch_id       bigint      not null,
    row_num        bigint      not null,
    payload        json        not null,
    primary key (source, position, seq),
    unique (entity_id, revision)
);

create table objective (
    objective_id   uuid primary key,
    source         text        not null,
    source_id      text        not null,
    revision       int         not null,
    content_hash   bytea       not null,
    knowledge_time timestamptz not null,
    batch_id       bigint      not null,
    row_num        bigint      not null,
    title          text        not null,
    description    text,
    start_on       date,
    due_on         date,
    check (start_on <= due_on)
);

create table key_result (
    key_result_id  uuid primary key,
    source         text        not null,
    source_id      text        not null,
    revision       int         not null,
    content_hash   bytea       not null,
    knowledge_time timestamptz not null,
    batch_id       bigint      not null,
    row_num        bigint      not null,
    objective_id   uuid        not null,
    title          text        not null,
    description    text,
    metric_kind    text        not null check (metric_kind in ('number', 'percentage', 'currency', 'boolean', 'milestone', 'ordinal')),
    direction      text        not null check (direction in ('increase', 'decrease', 'stay_above', 'stay_below', 'none')),
    inclusive      boolean     not null default true,
    unit           text,
    baseline       numeric,
    target         numeric,                           -- null: no target
    start_on       date        not null,
    due_on         date        not null,
    owner          text,
    attributes     json        not null default '{}',
    check (start_on <= due_on)
);
create index key_result_objective on key_result (objective_id);

-- Targets and due dates move; each row is what held from valid_from on.
create table key_result_revision (
    key_result_id uuid        not null,
    revision      int         not null,
    valid_from    timestamptz not null,
    baseline      numeric,
    target        numeric,
    due_on        date        not null,
    primary key (key_result_id, revision)
);

create table check_in (
    check_in_id    uuid primary key,
    source         text        not null,
    source_id      text        not null,
    revision       int         not null,
    content_hash   bytea       not null,
    knowledge_time timestamptz not null,
    batch_id       bigint      not null,
    row_num        bigint      not null,
    key_result_id  uuid        not null,
    as_of          date        not null,
    recorded_at    timestamptz,
    value          numeric,
    target         numeric,                           -- the target that held then; null: no target
    progress       double precision,                  -- unclamped; null where there is no target or no value
    status_raw     text,
    status         text,
    confidence     double precision,
    comment        text
);
create index check_in_key_result on check_in (key_result_id, as_of);

create table outcome (
    outcome_id     uuid primary key,
    source         text        not null,
    source_id      text        not null,
    revision       int         not null,
    content_hash   bytea       not null,
    knowledge_time timestamptz not null,              -- known_at: when it became known
    batch_id       bigint      not null,
    row_num        bigint      not null,
    key_result_id  uuid        not null,
    final_value    numeric     not null,
    target         numeric     not null,
    achieved       boolean     not null,
    resolution     text        not null check (resolution in ('achieved', 'partial', 'missed', 'dropped')),
    label_basis    text        not null check (label_basis in ('source', 'due'))
);
create index outcome_key_result on outcome (key_result_id);

create table rejected (
    source   text   not null,
    position bigint not null,
    batch_id bigint not null,
    row_num  bigint not null,
    reasons  text[] not null,
    detail   json   not null,                         -- reason -> what was read and what would be right
    primary key (source, position, row_num)
);

-- What okr_curated still has to write; a row leaves when that revision of the document is there.
create sequence document_revision;
create table document_due (
    entity_id uuid primary key,
    entity    text        not null check (entity in ('objective', 'key_result')),
    source    text        not null,
    revision  bigint      not null default nextval('document_revision'),
    due_at    timestamptz not null default now()
);

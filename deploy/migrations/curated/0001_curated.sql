-- Design §4, okr_curated: model-ready documents, one per objective and key result.
create table document (
    entity_id    uuid primary key,
    entity       text        not null check (entity in ('objective', 'key_result')),
    source       text        not null,
    text         text        not null,
    meta         json        not null,
    labels       json        not null,
    content_hash bytea       not null,
    version      int         not null,                -- raised when the content changes
    revision     bigint      not null,                -- of okr_processed.document_due; a lower one never overwrites a higher one
    changed_at   timestamptz not null default now()
);
create index document_source on document (source, entity);

-- What a version says, it says from some time on. A late or repeated row is compared with what held then; without this,
-- each full export would publish the whole history of a target again.
create table held_version (
    entity_id    uuid        not null,
    number       int         not null,                -- 1.. in the order they came
    held_from    timestamptz not null,                -- by the source's own time
    revision     int,                                 -- null: older than the current one; kept, never published
    content_hash bytea       not null,
    batch_id     bigint      not null,
    row_num      bigint      not null,
    payload      json,                                -- of a kept one; the others stand in entity_version
    primary key (entity_id, number),
    check ((revision is null) = (payload is not null))
);

-- The clock moves when a file is applied wholly: its own rows never make each other late.
alter table source_head
    add column coming timestamptz,                    -- the newest as_of, the file being applied included
    add column unit   text;                           -- that file, or request

create index document_due_revision on document_due (revision);

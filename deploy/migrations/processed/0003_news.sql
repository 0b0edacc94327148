-- A file of which only the rows are read that the source's file before it did not say (ADR 0007): what has to hold of
-- that one, and how this one is read.
alter table source_head
    add column newest       timestamptz,              -- as_of of all rows so far, even where it lies after their ingestion
    add column spoken       timestamptz,              -- the newest time of which any row told a definition or an outcome
    add column mapping_hash text,                     -- of all batches of the file; null: not one for all, or not known
    add column plain        boolean not null default false,  -- no row of it takes back what another one says
    add column whole        boolean not null default true;   -- all of its rows are read
create index rejected_batch on rejected (batch_id);

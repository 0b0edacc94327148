-- A rejected row comes again with each full export. Which rows are the same, and in how many files (or requests) they came.
-- Both null: rejected before this was kept.
alter table rejected add column row_hash bytea,       -- blake2b-128 of its cells, as in okr_raw
                     add column unit     text;        -- its file, or request
alter table replay_rejected add column row_hash bytea,
                            add column unit     text;

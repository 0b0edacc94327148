-- Applied after every migration: who may do what in okr_raw.
grant usage on schema public, delivery to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor, okr_readonly;
grant select on all tables in schema public, delivery to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor, okr_readonly;
grant insert, update, delete on all tables in schema public, delivery to okr_ingest_csv, okr_ingest_api;
grant usage on all sequences in schema public, delivery to okr_ingest_csv, okr_ingest_api;

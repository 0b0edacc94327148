-- Applied after every migration: who may do what in okr_ops. The run ledger is everybody's; models are the trainer's; reports and alerts the monitor's.
grant usage on schema public, delivery to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor, okr_readonly;
grant select on all tables in schema public, delivery to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor, okr_readonly;
grant insert, update, delete on run, run_step, slot, work_item to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor;
grant insert, update, delete on all tables in schema delivery to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor;
grant usage on all sequences in schema public, delivery to okr_ingest_csv, okr_ingest_api, okr_etl, okr_trainer, okr_monitor;
grant insert, update, delete on all tables in schema public to okr_trainer, okr_monitor;

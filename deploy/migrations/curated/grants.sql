-- Applied after every migration: who may do what in okr_curated.
grant usage on schema public, delivery to okr_etl, okr_monitor, okr_readonly;
grant select on all tables in schema public, delivery to okr_etl, okr_monitor, okr_readonly;
grant insert, update, delete on all tables in schema public, delivery to okr_etl;
grant usage on all sequences in schema public, delivery to okr_etl;
